import { describe, expect, it, vi } from 'vitest'
import type { Outcome } from '../../src/domain/outcome.ts'
import { createSender } from '../../src/delivery/send.ts'
import { AddressPolicy } from '../../src/registry/address-policy/address-policy.ts'
import { misbehaviours } from '../support/misbehaving/catalogue.ts'
import type { Misbehaviour } from '../support/misbehaving/misbehaviour.ts'
import { startMisbehaving } from '../support/misbehaving/start-misbehaving.ts'

// Little where it is waited for, and much where a busy machine alone could reach it.
const limitOf = ({ stalls }: Misbehaviour) => (stalls ? 400 : 5_000)

function sender(timeoutMs: number) {
  return createSender({
    timeoutMs,
    connectTimeoutMs: timeoutMs,
    maxResponseBytes: 16_384,
    addresses: new AddressPolicy({
      allow: ['127.0.0.0/8', 'receiver.example.com'],
      allowHttp: true,
      resolver: async () => ['127.0.0.1'],
    }),
    clock: Date.now,
  })
}

// All requests at once, and as many again when they have been answered.
async function meet({ bodyBytes = 2, requests = 1 }: Misbehaviour, send: (body: string) => Promise<Outcome>) {
  const burst = async () =>
    await Promise.all(Array.from({ length: requests }, async () => await send('x'.repeat(bodyBytes))))
  const first = await burst()
  return requests === 1 ? first : [...first, ...(await burst())]
}

// How late the timers of this process are anyway: it also plays the receivers, and the machine may be busy.
async function latenessOfTimers(timeoutMs: number): Promise<number> {
  const started = performance.now()
  await new Promise((resolve) => setTimeout(resolve, timeoutMs))
  return performance.now() - started - timeoutMs
}

describe('a receiver that', () => {
  it('is one of at least 45', () => {
    expect(misbehaviours.length).toBeGreaterThanOrEqual(45)
    expect(new Set(misbehaviours.map(({ name }) => name)).size).toBe(misbehaviours.length)
  })

  it.concurrent.each(misbehaviours)('$name', async (misbehaviour) => {
    await using receiver = await startMisbehaving(misbehaviour)
    const timeoutMs = limitOf(misbehaviour)
    const { send, close } = sender(timeoutMs)
    const lateness = misbehaviour.stalls ? latenessOfTimers(timeoutMs) : 0
    const outcomes = await meet(misbehaviour, (body) =>
      send({ url: receiver.url, headers: { 'content-type': 'text/plain' }, body }),
    )
    await close()
    for (const outcome of outcomes) {
      expect(misbehaviour.meets).toContain(outcome.status ?? outcome.error)
      expect(outcome.durationMs).toBeLessThanOrEqual(timeoutMs + 500 + (await lateness))
      const body = outcome.error === null ? outcome.body : ''
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(3 * 16_384) // what is no text takes three bytes as text
    }
    await vi.waitFor(() => expect(receiver.open).toBe(0), 5_000)
  })
})
