import { type EventHandler, type Receiver } from 'posthorn/receiver'
import { generateSecret, Signer, Verifier } from 'posthorn/verify'
import { vi } from 'vitest'
import { createTestReceiver, type Heard, secret, signedHeaders } from '../receiver-fixture.ts'

/** A body that no parser gives back as it was. */
export const awkward = '{"type":"order.paid","data":{"2":1,"1":2,"a":1.0,"b":"\\u00e9\\/"} ,"d":12345678901234567890}'

/** A receiver that counts, and takes bodies up to 10,000 bytes. */
export function countingReceiver(): { receiver: Receiver; handler: ReturnType<typeof vi.fn<EventHandler>> } & Heard {
  const handler = vi.fn<EventHandler>()
  const verifier = new Verifier({ secret, maxBodyBytes: 10_000 })
  return { handler, ...createTestReceiver({ verifier, on: { 'order.paid': handler } }) }
}

/** Sends a signed event and answers the status. */
export async function deliver(url: string, body: string | Uint8Array = awkward, id = 'msg_1'): Promise<number> {
  const headers = await signedHeaders({ body, id })
  const response = await fetch(url, { method: 'POST', headers, body: body as BodyInit })
  await response.arrayBuffer()
  return response.status
}

/** Sends what nobody signed, or somebody else, or what is too long, and answers the statuses. */
export async function deliverWrong(url: string): Promise<number[]> {
  const headers = await signedHeaders({ body: awkward, signer: new Signer({ secret: generateSecret() }) })
  const forged = await fetch(url, { method: 'POST', headers, body: awkward })
  const json = { 'content-type': 'application/json' }
  const unsigned = await fetch(url, { method: 'POST', headers: json, body: awkward })
  const empty = await fetch(url, { method: 'POST' })
  const got = await fetch(url)
  await Promise.all([forged, unsigned, empty, got].map((response) => response.arrayBuffer()))
  return [forged.status, unsigned.status, empty.status, got.status, await deliver(url, `{"x":"${'x'.repeat(20_000)}"}`)]
}

/** What {@link deliverWrong} is answered everywhere. */
export const refusals = [401, 401, 401, 401, 413]
