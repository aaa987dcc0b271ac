import {
  createReceiver,
  type FailureContext,
  type IdempotencyOptions,
  type IdempotencyStore,
  memoryIdempotency,
  type Receiver,
  type ReceiverOptions,
  type ReceiveOutcome,
  type Rejection,
} from 'posthorn/receiver'
import { Signer, Verifier } from 'posthorn/verify'
import type { EventSchemas } from 'posthorn'

export const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
export const url = 'https://app.example/webhooks'
const signer = new Signer({ secret })

/** What a signed request is made of. */
export interface SignedInput {
  readonly id?: string
  readonly body?: string | Uint8Array
  readonly at?: Date
  readonly signer?: Signer
}

/** The headers of a signed request. */
export async function signedHeaders({
  id = 'msg_1',
  body = paid,
  at = new Date(),
  signer: by = signer,
}: SignedInput = {}) {
  const headers = await by.sign({ id, timestamp: at, body })
  return { ...headers, 'content-type': 'application/json' }
}

/** A signed request of the Fetch standard. */
export async function signedRequest(input: SignedInput = {}): Promise<Request> {
  const { body = paid } = input
  return new Request(url, { method: 'POST', headers: await signedHeaders(input), body: body as BodyInit })
}

/** The body of the event that the tests send unless they say otherwise. */
export const paid = '{"type":"order.paid","timestamp":"2026-11-25T12:00:00Z","data":{"orderId":"o1"}}'

/** What a receiver told its listeners. */
export interface Heard {
  readonly outcomes: ReceiveOutcome[]
  readonly rejections: Rejection[]
  readonly errors: { readonly error: unknown; readonly context: FailureContext }[]
}

/** A receiver with ears, on a memory store unless told otherwise. */
export function createTestReceiver<Schemas extends EventSchemas = EventSchemas>(
  options: Partial<ReceiverOptions<Schemas>> & Pick<ReceiverOptions<Schemas>, 'on'>,
): { readonly receiver: Receiver } & Heard {
  const heard: Heard = { outcomes: [], rejections: [], errors: [] }
  const receiver = createReceiver<Schemas>({
    verifier: new Verifier({ secret }),
    idempotency: memoryIdempotency(),
    onOutcome: (outcome) => heard.outcomes.push(outcome),
    onReject: (rejection) => heard.rejections.push(rejection),
    onError: (error, context) => heard.errors.push({ error, context }),
    ...options,
  })
  return { receiver, ...heard }
}

/** A store of which some methods are replaced. */
export function overridingStore(changes: Partial<IdempotencyStore>, store = memoryIdempotency()): IdempotencyStore {
  return {
    name: store.name,
    durability: store.durability,
    reserve: (reservation) => store.reserve(reservation),
    complete: (held, keepMs, answer) => store.complete(held, keepMs, answer),
    release: (held) => store.release(held),
    claimLapsed: (query) => store.claimLapsed(query),
    ...changes,
  }
}

/** A memory store that says it outlives the process. */
export function durableMemory(options: Parameters<typeof memoryIdempotency>[0] = {}): IdempotencyStore {
  return overridingStore({ durability: 'disk' }, memoryIdempotency(options))
}

/** Settings with a store that fails. */
export function failingStore(settings: Partial<IdempotencyOptions> = {}): IdempotencyOptions {
  const fail = () => Promise.reject(new Error('connection lost'))
  return { store: overridingStore({ reserve: fail, complete: fail, release: fail }), ...settings }
}
