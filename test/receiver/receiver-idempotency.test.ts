import { createReceiver, type EventHandler, memoryIdempotency } from 'posthorn/receiver'
import { sqliteIdempotency } from 'posthorn/sqlite'
import { ipaScheme, Signer, Verifier } from 'posthorn/verify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { manualClock } from '../support/clock.ts'
import { gate } from '../support/receiver.ts'
import {
  createTestReceiver,
  durableMemory,
  failingStore,
  overridingStore,
  secret,
  signedRequest,
  url,
} from './receiver-fixture.ts'

const always = { 'order.paid': () => undefined }
const hour = 3_600_000

describe('createReceiver with idempotency', () => {
  it('case 40: runs a handler once for an event that comes twice', async () => {
    const handler = vi.fn<EventHandler>()
    const { receiver, outcomes } = createTestReceiver({ on: { 'order.paid': handler } })
    const answers = [await receiver.fetch(await signedRequest()), await receiver.fetch(await signedRequest())]
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(handler).toHaveBeenCalledOnce()
    expect(outcomes.map(({ result, flags }) => [result, flags])).toEqual([
      ['processed', []],
      ['duplicate', []],
    ])
  })

  it('case 40: answers 409 with Retry-After to a repeat that comes while the handler runs, and 200 later', async () => {
    const { open, opened } = gate()
    const handler = vi.fn<EventHandler>(() => opened)
    const { receiver, rejections, outcomes } = createTestReceiver({ on: { 'order.paid': handler } })
    const first = receiver.fetch(await signedRequest())
    await vi.waitFor(() => expect(handler).toHaveBeenCalled())
    const second = await receiver.fetch(await signedRequest())
    expect([second.status, second.headers.get('retry-after'), await second.json()]).toEqual([
      409,
      '10',
      { error: 'already in progress' },
    ])
    open()
    expect((await first).status).toBe(200)
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
    expect(handler).toHaveBeenCalledOnce()
    expect(rejections).toMatchObject([{ error: { code: 'EVENT_IN_FLIGHT' }, status: 409 }])
    expect(outcomes.map(({ result }) => result)).toEqual(['in-flight', 'processed', 'duplicate'])
  })

  it("lets a repeat wait for the end of the work with whenInFlight 'wait'", async () => {
    const { open, opened } = gate()
    const handler = vi.fn<EventHandler>(() => opened)
    const idempotency = { store: memoryIdempotency(), whenInFlight: 'wait' } as const
    const { receiver } = createTestReceiver({ idempotency, on: { 'order.paid': handler } })
    const requests = await Promise.all([signedRequest(), signedRequest(), signedRequest()])
    const answering = requests.map((request) => receiver.fetch(request))
    await vi.waitFor(() => expect(handler).toHaveBeenCalled())
    open()
    expect((await Promise.all(answering)).map(({ status }) => status)).toEqual([200, 200, 200])
    expect(handler).toHaveBeenCalledOnce()
  })

  it('gives the event to a repeat that waited when the first handler fails', async () => {
    const { open, opened } = gate()
    const handler = vi.fn<EventHandler>().mockImplementationOnce(async () => {
      await opened
      throw new Error('no')
    })
    const idempotency = { store: memoryIdempotency(), whenInFlight: 'wait' } as const
    const { receiver } = createTestReceiver({ idempotency, on: { 'order.paid': handler } })
    const first = receiver.fetch(await signedRequest())
    await vi.waitFor(() => expect(handler).toHaveBeenCalled())
    const second = receiver.fetch(await signedRequest())
    open()
    expect([(await first).status, (await second).status]).toEqual([500, 200])
    expect(handler).toHaveBeenCalledTimes(2)
  })

  it('answers 409 to a repeat that has waited for waitMs', async () => {
    const { open, opened } = gate()
    const handler = vi.fn<EventHandler>(() => opened)
    const idempotency = { store: memoryIdempotency(), whenInFlight: 'wait', waitMs: 1 } as const
    const { receiver } = createTestReceiver({ idempotency, on: { 'order.paid': handler } })
    const first = receiver.fetch(await signedRequest())
    await vi.waitFor(() => expect(handler).toHaveBeenCalled())
    expect((await receiver.fetch(await signedRequest())).status).toBe(409)
    open()
    await first
  })

  it('case 43: frees the event of a process that died after its lease', async () => {
    const clock = manualClock()
    const store = memoryIdempotency({ clock: clock.now })
    const dying = vi.fn<EventHandler>(() => new Promise(() => {}))
    const dead = createTestReceiver({ idempotency: store, on: { 'order.paid': dying } })
    void dead.receiver.fetch(await signedRequest())
    await vi.waitFor(() => expect(dying).toHaveBeenCalled())
    const handler = vi.fn<EventHandler>()
    const { receiver } = createTestReceiver({ idempotency: store, on: { 'order.paid': handler } })
    clock.advance(59_999)
    expect((await receiver.fetch(await signedRequest())).status).toBe(409)
    clock.advance(1)
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
    expect(handler.mock.calls[0]?.[0]).toMatchObject({ attempt: 2 })
  })

  it('aborts the signal of a handler whose lease runs out, and reports what was given to another', async () => {
    const clock = manualClock()
    const store = memoryIdempotency({ clock: clock.now })
    const idempotency = { store, leaseMs: 5 }
    const slow = createTestReceiver({
      idempotency,
      on: {
        'order.paid': async (_, { signal }) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          clock.advance(5)
          expect((await other.receiver.fetch(await signedRequest())).status).toBe(200)
        },
      },
    })
    const other = createTestReceiver({ idempotency, on: always })
    expect((await slow.receiver.fetch(await signedRequest())).status).toBe(200)
    expect(slow.errors).toMatchObject([{ error: { code: 'LEASE_LOST' }, context: { during: 'complete' } }])
    expect(slow.outcomes).toMatchObject([{ result: 'processed', flags: ['LEASE_LOST'] }])
  })

  it.each(['a first attempt', 'one that is recovered'])(
    'aborts the signal of %s before the lease ends that the store wrote, however late it answers',
    async (attempt) => {
      const isFirst = attempt === 'a first attempt'
      const store = durableMemory()
      const slow = async <Answer>(answering: Promise<Answer>) => {
        const answer = await answering
        await vi.advanceTimersByTimeAsync(40_000)
        return answer
      }
      const slowed = overridingStore(
        isFirst
          ? { durability: 'disk', reserve: (reservation) => slow(store.reserve(reservation)) }
          : { durability: 'disk', claimLapsed: (query) => slow(store.claimLapsed(query)) },
        store,
      )
      const aborts: boolean[] = []
      const handler = vi.fn<EventHandler>(async (_, { signal }) => {
        await vi.advanceTimersByTimeAsync(19_000)
        aborts.push(signal.aborted)
        await vi.advanceTimersByTimeAsync(1_000)
        aborts.push(signal.aborted)
      })
      if (!isFirst) handler.mockRejectedValueOnce(new Error('first'))
      const { receiver } = createTestReceiver({
        idempotency: { store: slowed, storeTimeoutMs: 60_000 },
        acknowledge: 'after-store',
        endpoint: 'slow',
        on: { 'order.paid': handler },
      })
      const request = await signedRequest()
      vi.useFakeTimers()
      onTestFinished(() => void vi.useRealTimers())
      expect((await receiver.fetch(request)).status).toBe(200)
      await vi.advanceTimersByTimeAsync(1)
      await receiver.idle()
      if (!isFirst) await receiver.recover()
      expect(aborts).toEqual([false, true])
    },
  )

  it('gives each handler a signal of its own, so that listeners do not pile up', async () => {
    const signals = new Set<AbortSignal>()
    const on = { 'order.paid': (_: unknown, { signal }: { signal: AbortSignal }) => void signals.add(signal) }
    const { receiver } = createTestReceiver({ idempotency: 'none', on })
    await receiver.fetch(await signedRequest())
    await receiver.fetch(await signedRequest())
    expect(signals.size).toBe(2)
  })

  it('case 41: takes the same id with another body for a duplicate, and flags it', async () => {
    const handler = vi.fn<EventHandler>()
    const { receiver, outcomes } = createTestReceiver({ on: { 'order.paid': handler } })
    await receiver.fetch(await signedRequest())
    const other = '{"type":"order.paid","data":{"orderId":"o2"}}'
    expect((await receiver.fetch(await signedRequest({ body: other }))).status).toBe(200)
    expect(handler).toHaveBeenCalledOnce()
    expect(outcomes[1]).toMatchObject({ result: 'duplicate', flags: ['ID_REUSED'] })
  })

  it('keeps an event for 96 hours, unless told otherwise', async () => {
    const clock = manualClock()
    const handler = vi.fn<EventHandler>()
    const { receiver } = createTestReceiver({
      verifier: new Verifier({ secret, maxAgeMs: false, maxFutureMs: false }),
      idempotency: memoryIdempotency({ clock: clock.now }),
      on: { 'order.paid': handler },
    })
    await receiver.fetch(await signedRequest())
    clock.advance(96 * hour - 1)
    await receiver.fetch(await signedRequest())
    expect(handler).toHaveBeenCalledTimes(1)
    clock.advance(1)
    await receiver.fetch(await signedRequest())
    expect(handler).toHaveBeenCalledTimes(2)
  })

  it('case 45: keeps the events of two schemes and two endpoints apart in one store', async () => {
    const store = memoryIdempotency()
    const handler = vi.fn<EventHandler>(() => undefined)
    const on = { 'order.paid': handler }
    const keyOf = () => 'msg_1'
    const ipa = { verifier: new Verifier({ secret, scheme: ipaScheme }), idempotency: { store, keyOf } }
    const signer = new Signer({ secret, scheme: ipaScheme })
    const headers = await signer.sign({ id: 'msg_1', type: 'order.paid', body: '{}' })
    await createTestReceiver({ idempotency: store, on }).receiver.fetch(await signedRequest())
    await createTestReceiver({ idempotency: store, on, endpoint: 'eu/orders' }).receiver.fetch(await signedRequest())
    const { receiver } = createTestReceiver({ ...ipa, on })
    await receiver.fetch(new Request(url, { method: 'POST', headers, body: '{}' }))
    expect(handler).toHaveBeenCalledTimes(3)
    await receiver.fetch(new Request(url, { method: 'POST', headers, body: '{}' }))
    expect(handler).toHaveBeenCalledTimes(3)
  })

  it('keeps ids apart that are long, that hold separators, and that are no well-formed text', async () => {
    const ids: string[] = []
    const store = overridingStore({
      reserve: async ({ id }) => {
        ids.push(id)
        return { status: 'completed', fingerprint: '', answer: null }
      },
    })
    const long = 'x'.repeat(300)
    const keys = [`${long}a`, `${long}b`, 'a:b', 'a%3Ab', 'a b', '\ud800', '\ud801', '\ufffd', 'é']
    for (const key of keys) {
      const { receiver } = createTestReceiver({ idempotency: { store, keyOf: () => key }, on: always })
      await receiver.fetch(await signedRequest())
    }
    expect(new Set(ids).size).toBe(keys.length)
    for (const id of ids) expect(id).toMatch(/^standard-webhooks:[\w.~!*'()%=-]{1,880}$/)
  })

  it('works on every request with idempotency none', async () => {
    const handler = vi.fn<EventHandler>()
    const { receiver } = createTestReceiver({ idempotency: 'none', on: { 'order.paid': handler } })
    await receiver.fetch(await signedRequest())
    await receiver.fetch(await signedRequest())
    expect(handler).toHaveBeenCalledTimes(2)
  })
})

describe('createReceiver with a store that fails', () => {
  it('case 44: answers 503 with Retry-After and runs nothing', async () => {
    const handler = vi.fn<EventHandler>()
    const { receiver, errors, outcomes } = createTestReceiver({
      idempotency: failingStore(),
      on: { 'order.paid': handler },
    })
    const answer = await receiver.fetch(await signedRequest())
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10'])
    expect(handler).not.toHaveBeenCalled()
    expect(errors).toMatchObject([
      { error: { code: 'STORAGE_UNAVAILABLE', cause: { message: 'connection lost' } }, context: { during: 'reserve' } },
    ])
    expect(outcomes).toMatchObject([{ result: 'failed', status: 503, code: 'STORAGE_UNAVAILABLE' }])
  })

  it("does the work all the same with whenStoreFails 'process', and flags it", async () => {
    const handler = vi.fn<EventHandler>()
    const idempotency = failingStore({ whenStoreFails: 'process' })
    const { receiver, errors, outcomes } = createTestReceiver({ idempotency, on: { 'order.paid': handler } })
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
    expect(handler).toHaveBeenCalledOnce()
    expect(outcomes).toMatchObject([{ result: 'processed', flags: ['STORE_BYPASSED'] }])
    // The flag alone did not say why.
    expect(errors).toMatchObject([
      { error: { code: 'STORAGE_UNAVAILABLE', cause: { message: 'connection lost' } }, context: { during: 'reserve' } },
    ])
  })

  it('answers 503 where the store does not answer in time, and gives back what it takes too late', async () => {
    const store = memoryIdempotency()
    const { open, opened } = gate()
    const stuck = overridingStore({
      reserve: async (reservation) => {
        await opened
        return await store.reserve(reservation)
      },
      release: (held) => store.release(held),
    })
    const { receiver } = createTestReceiver({ idempotency: { store: stuck, storeTimeoutMs: 5 }, on: always })
    expect((await receiver.fetch(await signedRequest())).status).toBe(503)
    open()
    const next = createTestReceiver({ idempotency: store, on: always })
    await vi.waitFor(async () => expect((await next.receiver.fetch(await signedRequest())).status).toBe(200))
  })

  it('answers 200 where the work is done and cannot be recorded', async () => {
    const store = overridingStore({ complete: () => Promise.reject(new Error('gone')) })
    const { receiver, errors, outcomes } = createTestReceiver({ idempotency: store, on: always })
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
    expect(errors).toMatchObject([{ context: { during: 'complete' } }])
    expect(outcomes).toMatchObject([{ result: 'processed', flags: ['NOT_RECORDED'] }])
  })

  it('answers 500 where a handler fails and its event cannot be given back', async () => {
    const store = overridingStore({ release: () => Promise.reject(new Error('gone')) })
    const on = { 'order.paid': () => Promise.reject(new Error('handler')) }
    const { receiver, errors } = createTestReceiver({ idempotency: store, on })
    expect((await receiver.fetch(await signedRequest())).status).toBe(500)
    expect(errors.map(({ context }) => context.during)).toEqual(['release', 'handler'])
  })
})

describe('createReceiver with wrong idempotency options', () => {
  const store = memoryIdempotency()

  it('case 46: refuses a keep time that is shorter than the time over which the sender repeats', () => {
    const create = (idempotency: object) => () =>
      createReceiver({ verifier: new Verifier({ secret }), on: {}, idempotency: { store, ...idempotency } })
    expect(create({ keepMs: 75 * hour })).toThrow('272105000 ms over which the sender repeats')
    expect(create({ keepMs: hour, retrySpanMs: hour + 1 })).toThrow(RangeError)
    expect(create({ keepMs: hour, retrySpanMs: hour })).not.toThrow()
    expect(create({ keepMs: 76 * hour })).not.toThrow()
  })

  it.each([
    { keepMs: NaN },
    { keepMs: 1e15 },
    { leaseMs: 0 },
    { leaseMs: '60' },
    { whenInFlight: 'queue' },
    { waitMs: Infinity },
    { whenStoreFails: 'ignore' },
    { storeTimeoutMs: 0 },
    { keyOf: 'id' },
    { ttlMs: 5 },
  ])('refuses %j', (idempotency) => {
    // @ts-expect-error wrong options
    expect(() => createTestReceiver({ on: {}, idempotency: { store, ...idempotency } })).toThrow('idempotency')
  })

  it('refuses a store without one of its methods', () => {
    const { claimLapsed: _, ...part } = overridingStore({})
    // @ts-expect-error no store
    expect(() => createTestReceiver({ on: {}, idempotency: part })).toThrow("idempotency: 'none'")
  })

  it('takes a store that has a member called store', async () => {
    const handler = vi.fn<EventHandler>()
    const idempotency = Object.assign(overridingStore({}), { store: new Map() })
    const { receiver } = createTestReceiver({ idempotency, on: { 'order.paid': handler } })
    await receiver.fetch(await signedRequest())
    await receiver.fetch(await signedRequest())
    expect(handler).toHaveBeenCalledOnce()
  })

  it('takes a store of SQLite as it is', async () => {
    const { receiver } = createTestReceiver({ idempotency: sqliteIdempotency(':memory:'), on: always })
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
  })
})
