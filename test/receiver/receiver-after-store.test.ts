import {
  createReceiver,
  defineEvents,
  type EventHandler,
  type IdempotencyStore,
  memoryIdempotency,
} from 'posthorn/receiver'
import { sqliteIdempotency } from 'posthorn/sqlite'
import { ipaScheme, Signer, Verifier } from 'posthorn/verify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { tempFile } from '../storage/sqlite/temp-file.ts'
import { manualClock } from '../support/clock.ts'
import { gate } from '../support/receiver.ts'
import {
  createTestReceiver,
  durableMemory,
  failingStore,
  overridingStore,
  paid,
  secret,
  signedRequest,
  url,
} from './receiver-fixture.ts'

const mode = { acknowledge: 'after-store', endpoint: 'orders' } as const

describe("createReceiver with acknowledge 'after-store'", () => {
  it('answers once the event is stored, and works on it afterwards', async () => {
    const { open, opened } = gate()
    const handler = vi.fn<EventHandler>(() => opened)
    const { receiver, outcomes } = createTestReceiver({
      ...mode,
      idempotency: durableMemory(),
      on: { 'order.paid': handler },
    })
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
    expect(handler).not.toHaveBeenCalled()
    open()
    await receiver.idle()
    expect(handler).toHaveBeenCalledOnce()
    expect(outcomes.map(({ result, status }) => [result, status])).toEqual([
      ['accepted', 200],
      ['processed', null],
    ])
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
    await receiver.idle()
    expect(handler).toHaveBeenCalledOnce()
  })

  it('hands the work to the waitUntil of the request, or else to its own', async () => {
    const own = vi.fn<(promise: Promise<unknown>) => void>()
    const { receiver } = createTestReceiver({ ...mode, idempotency: durableMemory(), on: {}, waitUntil: own })
    const waited: Promise<unknown>[] = []
    const platform = {
      waited,
      waitUntil(promise: Promise<unknown>) {
        this.waited.push(promise)
      },
    }
    await receiver.fetch(await signedRequest(), platform)
    expect([waited.length, own.mock.calls.length]).toEqual([1, 0])
    await expect(waited[0]).resolves.toBeUndefined()
    // Next.js passes { params } in its place.
    await receiver.fetch(await signedRequest({ id: 'msg_2' }), { params: {} })
    expect(own).toHaveBeenCalledOnce()
    await receiver.idle()
  })

  it('answers 503 and runs nothing where the event cannot be stored', async () => {
    const handler = vi.fn<EventHandler>()
    const idempotency = {
      ...failingStore(),
      store: overridingStore({ durability: 'disk', reserve: () => Promise.reject(new Error('no')) }),
    }
    const { receiver } = createTestReceiver({ ...mode, idempotency, on: { 'order.paid': handler } })
    expect((await receiver.fetch(await signedRequest())).status).toBe(503)
    await receiver.idle()
    expect(handler).not.toHaveBeenCalled()
  })

  it('tells onError of a handler that fails, keeps the event, and works on it again when asked to recover', async () => {
    const handler = vi
      .fn<EventHandler>()
      .mockRejectedValueOnce(new Error('first'))
      .mockRejectedValueOnce(new Error('second'))
    const { receiver, errors, outcomes } = createTestReceiver({
      ...mode,
      idempotency: durableMemory(),
      on: { 'order.paid': handler },
    })
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
    await receiver.idle()
    expect(await receiver.recover()).toEqual({ processed: 0, failed: 1 })
    expect(await receiver.recover()).toEqual({ processed: 1, failed: 0 })
    expect(await receiver.recover()).toEqual({ processed: 0, failed: 0 })
    expect(errors).toMatchObject([{ error: { message: 'first' } }, { error: { message: 'second' } }])
    expect(handler.mock.calls.map(([event]) => event.attempt)).toEqual([1, 2, 3])
    expect(outcomes.map(({ result }) => result)).toEqual(['accepted', 'failed', 'failed', 'processed'])
    expect((await receiver.fetch(await signedRequest())).status).toBe(200)
    expect(handler).toHaveBeenCalledTimes(3)
  })

  it('tells onError of a Response that is not 2xx, which no sender is answered', async () => {
    const handler = vi
      .fn<EventHandler>()
      .mockReturnValueOnce(new Response('busy', { status: 503 }))
      .mockReturnValueOnce(new Response(null, { status: 429 }))
    const { receiver, errors, outcomes } = createTestReceiver({
      ...mode,
      idempotency: durableMemory(),
      on: { 'order.paid': handler },
    })
    await receiver.fetch(await signedRequest())
    await receiver.idle()
    expect(await receiver.recover()).toEqual({ processed: 0, failed: 1 })
    expect(errors).toMatchObject([
      { error: { message: 'The handler answered 503.' }, context: { during: 'handler', eventId: 'msg_1' } },
      { error: { message: 'The handler answered 429.' }, context: { during: 'handler', eventId: 'msg_1' } },
    ])
    expect(outcomes.map(({ result }) => result)).toEqual(['accepted', 'failed', 'failed'])
  })

  it('works on the event of a process that died, after its lease, with all that was proven', async () => {
    const file = tempFile()
    const clock = manualClock()
    const dying = sqliteIdempotency(file, { clock: clock.now })
    const body = new TextEncoder().encode(paid.replace('o1', 'Grüße'))
    const on = { 'order.paid': () => new Promise(() => {}) }
    await createTestReceiver({ ...mode, idempotency: dying, on }).receiver.fetch(await signedRequest({ body }))
    dying.close()

    const handler = vi.fn<EventHandler>()
    const store = sqliteIdempotency(file, { clock: clock.now })
    onTestFinished(() => store.close())
    const { receiver } = createTestReceiver({ ...mode, idempotency: store, on: { 'order.paid': handler } })
    expect(await receiver.recover()).toEqual({ processed: 0, failed: 0 })
    clock.advance(60_000)
    expect(await receiver.recover()).toEqual({ processed: 1, failed: 0 })
    const [event] = handler.mock.calls[0]!
    expect(event).toMatchObject({
      id: 'msg_1',
      attempt: 2,
      data: { orderId: 'Grüße' },
      webhook: {
        eventId: 'msg_1',
        type: null,
        keyId: null,
        keyIndex: 0,
        scheme: 'standard-webhooks',
        freshness: 'signed',
      },
    })
    expect(event.webhook.timestamp).toBeInstanceOf(Date)
    expect(new Uint8Array(event.webhook.rawBody)).toEqual(body)
  })

  it('stores an event without an id too', async () => {
    const handler = vi.fn<EventHandler>().mockRejectedValueOnce(new Error('first'))
    const verifier = new Verifier({ secret, scheme: ipaScheme })
    const { receiver, outcomes } = createTestReceiver({
      ...mode,
      verifier,
      idempotency: durableMemory(),
      on: { 'order.paid': handler },
    })
    const headers = await new Signer({ secret, scheme: ipaScheme }).sign({ id: 'x', type: 'order.paid', body: '{}' })
    await receiver.fetch(new Request(url, { method: 'POST', headers, body: '{}' }))
    await receiver.idle()
    expect(outcomes[0]).toMatchObject({ result: 'accepted', flags: ['NO_EVENT_ID'] })
    expect(await receiver.recover()).toEqual({ processed: 1, failed: 0 })
  })

  it('checks the data of what it recovers, and leaves the events of other endpoints alone', async () => {
    const store = durableMemory()
    const fail = { 'order.paid': () => Promise.reject(new Error('no')) }
    const before = createTestReceiver({ ...mode, idempotency: store, on: fail })
    await before.receiver.fetch(await signedRequest())
    await before.receiver.idle()
    const handler = vi.fn<EventHandler>()
    const events = defineEvents({ 'order.paid': z.object({ orderId: z.number() }) })
    const foreign = createTestReceiver({
      ...mode,
      endpoint: 'other',
      idempotency: store,
      on: { 'order.paid': handler },
    })
    expect(await foreign.receiver.recover()).toEqual({ processed: 0, failed: 0 })
    const stricter = createTestReceiver({ ...mode, events, idempotency: store, on: { 'order.paid': handler } })
    expect(await stricter.receiver.recover()).toEqual({ processed: 0, failed: 1 })
    expect(stricter.errors).toMatchObject([{ error: { code: 'PAYLOAD_SCHEMA' } }])
    expect(handler).not.toHaveBeenCalled()
  })

  it('recovers each event once in a call, up to its limit, until it is told to stop', async () => {
    const store = durableMemory()
    const handler = vi.fn<EventHandler>(() => Promise.reject(new Error('no')))
    const { receiver } = createTestReceiver({ ...mode, idempotency: store, on: { 'order.paid': handler } })
    for (const id of ['a', 'b', 'c']) await receiver.fetch(await signedRequest({ id }))
    await receiver.idle()
    expect(await receiver.recover({ limit: 2 })).toEqual({ processed: 0, failed: 2 })
    expect(await receiver.recover()).toEqual({ processed: 0, failed: 3 })
    await expect(receiver.recover({ signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
    await expect(receiver.recover({ limit: 0 })).rejects.toThrow(RangeError)
    expect(handler).toHaveBeenCalledTimes(8)
  })

  it('reports a record that it cannot read, and goes on', async () => {
    const store = durableMemory()
    const held = { scope: 'orders', id: 'x', lease: 'l', fingerprint: 'f' }
    await store.reserve({ ...held, leaseMs: 1, keepMs: 1_000_000, record: '{"version":2}' })
    await store.release(held)
    const { receiver, errors } = createTestReceiver({ ...mode, idempotency: store, on: {} })
    expect(await receiver.recover()).toEqual({ processed: 0, failed: 1 })
    expect(errors).toMatchObject([{ error: { code: 'STORAGE_FAILED' }, context: { during: 'recover' } }])
  })

  it.each([
    ['no store', { idempotency: 'none' }, 'nowhere to be'],
    ['a store that dies with the process', { idempotency: memoryIdempotency() }, 'outlives the process'],
    ["whenStoreFails 'process'", { idempotency: { store: durableMemory(), whenStoreFails: 'process' } }, 'not stored'],
    ['no endpoint', { idempotency: durableMemory(), endpoint: undefined }, '{ endpoint }'],
  ])('refuses %s', (_, options, part) => {
    const verifier = new Verifier({ secret })
    // @ts-expect-error an endpoint that is undefined
    expect(() => createReceiver({ verifier, on: {}, ...mode, ...options })).toThrow(part)
  })

  it('recovers nothing without a store', async () => {
    const { receiver } = createTestReceiver({ idempotency: 'none', on: {} })
    expect(await receiver.recover()).toEqual({ processed: 0, failed: 0 })
    const failing: IdempotencyStore = overridingStore({ claimLapsed: () => Promise.reject(new Error('gone')) })
    const away = createTestReceiver({ idempotency: failing, on: {} })
    await expect(away.receiver.recover()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  })
})
