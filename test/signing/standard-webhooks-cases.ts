import { expect, it } from 'vitest'
import { Signer } from '../../src/signing/signer.ts'
import { Verifier } from '../../src/signing/verifier.ts'
import { codeOf, otherSecret, secret, signed, thirdSecret, verifier } from './messages.ts'
import vectors from './vectors.json' with { type: 'json' }

/** What must hold on every runtime: run on crypto-node and on crypto-web. */
export function standardWebhooksCases(): void {
  it.each(vectors.vectors.filter(({ scheme }) => scheme === 'standard-webhooks/v1'))(
    'verifies and makes the vector of $source',
    async (vector) => {
      const clock = () => Number(vector.timestamp) * 1000
      const headers = {
        'webhook-id': vector.id,
        'webhook-timestamp': vector.timestamp,
        'webhook-signature': vector.signature,
      }
      const vectorSecret = vector.secret ?? ''
      const event = await new Verifier({ secret: vectorSecret, clock }).verify({ headers, body: vector.body })
      expect(event).toMatchObject({ eventId: vector.id, keyIndex: 0, scheme: 'standard-webhooks', type: null })
      expect(event.timestamp).toEqual(new Date(clock()))
      expect(event.payload).toEqual(JSON.parse(vector.body))
      expect(await new Signer({ secret: vectorSecret, clock }).sign({ id: vector.id, body: vector.body })).toEqual(
        headers,
      )
    },
  )

  it('accepts what any of several keys signed, and says which', async () => {
    const input = async (secrets: readonly string[]) => ({ headers: await signed({ body: '{}' }, secrets), body: '{}' })
    const rotating = verifier({ secret: [secret, otherSecret] })
    expect((await rotating.verify(await input([secret]))).keyIndex).toBe(0)
    expect((await rotating.verify(await input([otherSecret]))).keyIndex).toBe(1)
    expect((await rotating.verify(await input([thirdSecret, otherSecret]))).keyIndex).toBe(1)
    expect((await verifier({ secret }).verify(await input([otherSecret, secret]))).keyIndex).toBe(0)
    expect(await codeOf(rotating.verify(await input([thirdSecret])))).toBe('SIGNATURE_MISMATCH')
  })

  it('accepts no message with one bit changed, wherever that bit is', async () => {
    const body = JSON.stringify({ type: 'order.paid', note: 'é'.repeat(90) })
    const headers = await signed({ body })
    const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature']
    const anyTime = verifier({ maxAgeMs: false, maxFutureMs: false })
    const verifyParts = (parts: readonly Buffer[]) =>
      anyTime.verify({
        headers: names.map((name, part) => [name, parts[part]?.toString('latin1')] as const),
        body: parts[3] ?? '',
      })
    const original = [...names.map((name) => headers[name] ?? ''), body].map((text) => Buffer.from(text))
    await verifyParts(original)
    let refused = 0
    for (const [part, bytes] of original.entries()) {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = Buffer.from(bytes)
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        await codeOf(verifyParts(original.with(part, changed)))
        refused++
      }
    }
    expect(refused).toBeGreaterThan(2000)
  })
}
