import { describe, expect, it, vi } from 'vitest'
import { memoryStorage, type MemoryStorageOptions } from '../../../src/storage/memory/memory-storage.ts'
import { Fixture, openFixture, tenantId } from '../../../src/storage/conformance/fixture.ts'

const open = (options: MemoryStorageOptions = {}): Promise<Fixture> =>
  openFixture({ createStorage: ({ clock }) => memoryStorage({ clock, ...options }) })

describe('memoryStorage', () => {
  it('is one process’s and survives nothing', () => {
    const { contract, name, capabilities } = memoryStorage()
    expect({ contract, name, capabilities }).toEqual({
      contract: 1,
      name: 'memory',
      capabilities: { durability: 'none', scope: 'process', transactions: 'none' },
    })
  })

  it.each([0, -1, 1.5, Number.NaN, Infinity])('refuses maxFinished %s', (maxFinished) => {
    expect(() => memoryStorage({ maxFinished })).toThrow(
      new RangeError(`maxFinished must be a whole number from 1, got ${maxFinished}`),
    )
  })

  it('refuses a clock or a random that is no function', () => {
    // What JavaScript callers pass.
    expect(() => memoryStorage({ clock: 5 as never })).toThrow(TypeError)
    expect(() => memoryStorage({ random: 0.5 as never })).toThrow(TypeError)
  })

  it('goes on with what is due when the system’s clock is set back', async () => {
    const start = Date.now()
    const clock = vi.spyOn(Date, 'now').mockReturnValue(start)
    try {
      const fixture = await openFixture({ createStorage: () => memoryStorage() })
      const ids = await fixture.enqueue(await fixture.insertWebhook(), 1)
      clock.mockReturnValue(start - 3_600_000)
      expect((await fixture.storage.claim({ limit: 1, leaseMs: 500 })).claimed.map(({ id }) => id)).toEqual(ids)
    } finally {
      clock.mockRestore()
    }
  })

  it('keeps a history of at most 64 Mi characters, whatever its length', async () => {
    const storage = memoryStorage()
    const body = 'x'.repeat(8 * 1024 * 1024)
    for (let n = 0; n < 12; n++) {
      const id = `01920000-0000-7000-8000-0000000000${10 + n}`
      await storage.enqueue([{ id, tenantId, type: 'a.b', body, contentType: 'text/plain', deliveries: [] }])
    }
    expect((await storage.listEvents({ tenantId, limit: 100 })).data).toHaveLength(8)
  })

  it('keeps to the millisecond: delay, lease, gate', async () => {
    const fixture = await open()
    const webhook = await fixture.insertWebhook()
    await fixture.enqueue(webhook, 1, { delayMs: 1_000 })
    await fixture.advance(999)
    expect(await fixture.storage.claim({ limit: 1, leaseMs: 500 })).toEqual({ claimed: [], nextDueInMs: 1 })
    await fixture.advance(1)
    expect((await fixture.storage.claim({ limit: 1, leaseMs: 500 })).claimed).toHaveLength(1)
    await fixture.advance(499)
    expect(await fixture.storage.claim({ limit: 1, leaseMs: 500 })).toEqual({ claimed: [], nextDueInMs: 1 })
    await fixture.storage.gate(webhook.id, 700)
    await fixture.advance(1)
    expect(await fixture.storage.claim({ limit: 1, leaseMs: 500 })).toEqual({ claimed: [], nextDueInMs: 699 })
    await fixture.advance(699)
    expect((await fixture.storage.claim({ limit: 1, leaseMs: 500 })).claimed).toHaveLength(1)
  })

  it('finds what is overdue past any number of webhooks that have nothing overdue, and cancels in bounded chunks', async () => {
    const fixture = await open()
    const gone = await fixture.insertWebhook()
    await fixture.enqueue(gone, 1500)
    await fixture.storage.deleteWebhook(gone.id, tenantId)
    const old = await fixture.enqueue(await fixture.insertWebhook(), 1)
    await fixture.advance(1_000)
    for (let count = 0; count < 5; count++) await fixture.enqueue(await fixture.insertWebhook(), 1)
    await fixture.storage.overdue({ limit: 2, byMs: 1_000 })
    expect((await fixture.storage.stats({})).ready).toBe(506)
    for (let call = 0; call < 3; call++) {
      expect(await fixture.storage.overdue({ limit: 2, byMs: 1_000 })).toEqual(old)
    }
    expect((await fixture.storage.stats({})).ready).toBe(6)
  })

  it('spreads by the random given', async () => {
    const fixture = await open({ random: () => 0.25 })
    const failed = await fixture.finish(await fixture.insertWebhook())
    await fixture.storage.requeue({ tenantId, ids: [failed.id], limit: 1, spreadMs: 10_000 })
    expect((await fixture.delivery(failed.id)).dueAt).toEqual(new Date(fixture.now().getTime() + 2_500))
  })

  it('accepts what a lease that ran out reports, until a claim takes it back', async () => {
    const fixture = await open()
    const { id, lease } = await fixture.claimNew(await fixture.insertWebhook(), 1_000)
    await fixture.advance(5_000)
    const attempt = fixture.newAttempt(1)
    expect(await fixture.storage.settle([{ id, lease, outcome: 'succeeded', attempt }])).toEqual([
      { id, state: 'succeeded' },
    ])
  })

  it('lets no webhook’s delayed backlog go before another’s later delivery', async () => {
    const fixture = await open()
    const [busy, quiet] = [await fixture.insertWebhook(), await fixture.insertWebhook()]
    await fixture.enqueue(busy, 5_000, { delayMs: 1_000 })
    const [late] = await fixture.enqueue(quiet, 1, { delayMs: 2_000 })
    await fixture.advance(2_000)
    expect((await fixture.claim(2)).map(({ id }) => id)).toContain(late)
  })

  it('cancels a deleted webhook’s backlog in bounded chunks beside the work of others', async () => {
    const fixture = await open()
    const [gone, healthy] = [await fixture.insertWebhook(), await fixture.insertWebhook()]
    await fixture.enqueue(gone, 2_500)
    await fixture.enqueue(healthy, 1)
    await fixture.storage.deleteWebhook(gone.id, tenantId)
    const answers = []
    for (let call = 0; call < 4; call++) answers.push(await fixture.storage.claim({ limit: 10, leaseMs: 60_000 }))
    expect(answers.map(({ claimed }) => claimed.length)).toEqual([1, 0, 0, 0])
    expect(answers.map(({ nextDueInMs }) => nextDueInMs)).toEqual([0, 0, 60_000, 60_000])
  })

  it('cancels what is due of a disabled webhook although it is full and gated', async () => {
    const fixture = await open()
    const webhook = await fixture.insertWebhook({ maxInFlight: 1 })
    await fixture.claimNew(webhook)
    const [id] = await fixture.enqueue(webhook, 1)
    await fixture.storage.gate(webhook.id, 600_000)
    await fixture.storage.updateWebhook(webhook.id, tenantId, { isActive: false })
    expect(await fixture.claim(10)).toEqual([])
    expect((await fixture.delivery(id ?? '')).state).toBe('cancelled')
  })

  it('passes 20,000 deliveries over in one call of cancel, and goes on from its cursor', async () => {
    const fixture = await open()
    const webhook = await fixture.insertWebhook()
    await fixture.enqueue(webhook, 20_001)
    const query = { tenantId, webhookId: webhook.id, type: 'order.paid', reason: 'tested', limit: 10 }
    const first = await fixture.storage.cancel(query)
    expect(first).toEqual({ count: 0, nextCursor: expect.any(String) })
    expect(await fixture.storage.cancel({ ...query, cursor: first.nextCursor ?? '' })).toEqual({
      count: 0,
      nextCursor: null,
    })
  })
})

describe('the history of memoryStorage', () => {
  it('drops the oldest final deliveries with their attempts, and the event with its last one', async () => {
    const fixture = await open({ maxFinished: 3 })
    const webhook = await fixture.insertWebhook()
    const done = []
    for (let count = 0; count < 5; count++) done.push(await fixture.finish(webhook))
    const [first, , third] = done
    expect(await fixture.storage.getDelivery(first?.id ?? '', tenantId)).toBeNull()
    expect(await fixture.storage.getEvent(first?.event.id ?? '', tenantId)).toBeNull()
    expect(await fixture.attempts(first?.id ?? '')).toEqual([])
    expect(await fixture.attempts(third?.id ?? '')).toHaveLength(1)
    expect((await fixture.storage.listEvents({ tenantId, limit: 10 })).data).toHaveLength(3)
    expect((await fixture.storage.listDeliveries({ tenantId, webhookId: webhook.id, limit: 10 })).data).toHaveLength(3)
  })

  it('never drops what is pending, nor its event', async () => {
    const fixture = await open({ maxFinished: 1 })
    const [fast, slow] = [await fixture.insertWebhook(), await fixture.insertWebhook()]
    const event = fixture.newEvent([fast, slow])
    await fixture.storage.enqueue([event])
    const [sent, pending] = event.deliveries.map(({ id }) => id)
    const held = (await fixture.claim(1, { ids: [sent ?? ''] }))[0]
    const settlement = { id: held?.id ?? '', lease: held?.lease ?? '', outcome: 'succeeded' } as const
    await fixture.storage.settle([{ ...settlement, attempt: fixture.newAttempt(1) }])
    for (let count = 0; count < 3; count++) await fixture.finish(fast)
    expect(await fixture.storage.getDelivery(sent ?? '', tenantId)).toBeNull()
    expect((await fixture.delivery(pending ?? '')).state).toBe('pending')
    expect((await fixture.storage.getEvent(event.id, tenantId))?.body).toBe(event.body)
  })

  it('counts skipped deliveries and events that nobody receives', async () => {
    const fixture = await open({ maxFinished: 2 })
    const webhook = await fixture.insertWebhook()
    for (let count = 0; count < 5; count++) {
      const deliveries = [1, 2].map(() => ({ id: fixture.newId(), webhookId: webhook.id, skip: 'filtered' }))
      const split = deliveries.map((delivery, index) => ({
        ...delivery,
        webhookId: index === 0 ? webhook.id : fixture.newId(),
      }))
      await fixture.storage.enqueue([fixture.newEvent([]), fixture.newEvent([], { deliveries: split })])
    }
    expect((await fixture.storage.listEvents({ tenantId, limit: 100 })).data).toHaveLength(1)
    expect((await fixture.storage.listDeliveries({ tenantId, limit: 100 })).data).toHaveLength(2)
  })

  it('keeps what was requeued', async () => {
    const fixture = await open({ maxFinished: 1 })
    const webhook = await fixture.insertWebhook()
    const failed = await fixture.finish(webhook)
    await fixture.storage.requeue({ tenantId, ids: [failed.id], limit: 1, spreadMs: 0 })
    const [again] = await fixture.claim(1)
    for (let count = 0; count < 3; count++) await fixture.finish(webhook)
    expect(again?.id).toBe(failed.id)
    expect(await fixture.attempts(failed.id)).toHaveLength(1)
  })

  it('still knows a duplicate after the event was dropped', async () => {
    const fixture = await open({ maxFinished: 1 })
    const key = { idempotencyKey: 'key', bodyHash: 'hash', idempotencyTtlMs: 60_000 }
    const first = fixture.newEvent([], key)
    await fixture.storage.enqueue([first, fixture.newEvent([]), fixture.newEvent([])])
    expect(await fixture.storage.getEvent(first.id, tenantId)).toBeNull()
    const { results } = await fixture.storage.enqueue([fixture.newEvent([], key)])
    expect(results).toEqual([{ id: first.id, status: 'duplicate' }])
  })

  it('keeps 10,000 final deliveries unless told otherwise', async () => {
    const fixture = await open()
    const webhook = await fixture.insertWebhook()
    for (let batch = 0; batch < 12; batch++) {
      await fixture.enqueue(webhook, 1_000)
      const settlements = (await fixture.claim(1_000)).map(
        ({ id, lease }) => ({ id, lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) }) as const,
      )
      expect(await fixture.storage.settle(settlements)).toHaveLength(1_000)
    }
    expect((await fixture.storage.listDeliveries({ tenantId, limit: 20_000 })).data).toHaveLength(10_000)
    expect((await fixture.storage.listEvents({ tenantId, limit: 20_000 })).data).toHaveLength(10_000)
  })
})
