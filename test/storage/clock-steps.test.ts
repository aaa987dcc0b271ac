import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../src/storage/memory/memory-storage.ts'
import { sqliteStorage } from '../../src/storage/sqlite/sqlite-storage.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { manualClock } from '../support/clock.ts'
import { newAttempt, newEvent, newWebhook, tenantId } from './sqlite/rows.ts'
import { tempFile } from './sqlite/temp-file.ts'

const hour = 3_600_000

const storages = [
  { name: 'memoryStorage', create: (clock: () => number): Storage => memoryStorage({ clock }) },
  { name: 'sqliteStorage', create: (clock: () => number): Storage => sqliteStorage(':memory:', { clock }) },
]

describe.each(storages)('$name when the clock steps', ({ create }) => {
  const setUp = async () => {
    const clock = manualClock()
    const storage = create(clock.now)
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    const claim = async () => (await storage.claim({ limit: 10, leaseMs: 30_000 })).claimed
    return { clock, storage, webhook, claim }
  }

  it.each([-2 * hour, -25 * hour])('back by %i ms, delivers what waits when it was to be delivered', async (stepMs) => {
    const { clock, storage, webhook, claim } = await setUp()
    await storage.enqueue([newEvent([webhook], { delayMs: 60_000 })])
    clock.advance(20_000)
    expect(await claim()).toEqual([])
    clock.advance(stepMs)
    expect(await claim()).toEqual([])
    clock.advance(39_000)
    expect(await claim()).toEqual([])
    clock.advance(1_000)
    expect(await claim()).toHaveLength(1)
  })

  it('back, frees what a dead holder leased when the lease runs out, and a retry when its wait is over', async () => {
    const { clock, storage, webhook, claim } = await setUp()
    await storage.enqueue([newEvent([webhook]), newEvent([webhook])])
    const [dead, retried] = await claim()
    await storage.settle([
      { id: retried!.id, lease: retried!.lease, outcome: 'retry', attempt: newAttempt(1), retryInMs: 20_000 },
    ])
    clock.advance(-2 * hour)
    expect(await storage.renew([dead!], 30_000)).toEqual([dead!.id])
    clock.advance(20_000)
    expect((await claim()).map(({ id }) => id)).toEqual([retried!.id])
    clock.advance(10_000)
    expect((await claim()).map(({ id }) => id)).toEqual([dead!.id])
  })

  it('back, opens a gate when it was to open', async () => {
    const { clock, storage, webhook, claim } = await setUp()
    await storage.enqueue([newEvent([webhook])])
    await storage.gate(webhook.id, 10_000)
    clock.advance(-2 * hour)
    expect(await claim()).toEqual([])
    clock.advance(10_000)
    expect(await claim()).toHaveLength(1)
  })

  it('forward and back again, has everything due at once and nothing stuck', async () => {
    const { clock, storage, webhook, claim } = await setUp()
    await storage.enqueue([newEvent([webhook], { delayMs: 24 * hour }), newEvent([webhook])])
    const [held] = await claim()
    clock.advance(25 * hour)
    const early = await claim()
    // What was leased is taken over: one may not know whether its holder is alive.
    expect(early).toHaveLength(2)
    expect(
      await storage.settle([{ id: held!.id, lease: held!.lease, outcome: 'succeeded', attempt: newAttempt(1) }]),
    ).toEqual([])
    clock.advance(-25 * hour)
    expect(await claim()).toEqual([])
    clock.advance(30_000)
    expect(await claim()).toHaveLength(2)
  })
})

describe('sqliteStorage when the clock has stepped back', () => {
  const setUp = async (path: string) => {
    const clock = manualClock()
    const storage = sqliteStorage(path, { clock: clock.now })
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    return { clock, storage, webhook }
  }

  it('tells people the time of the clock', async () => {
    const { clock, storage, webhook } = await setUp(':memory:')
    const early = newEvent([webhook], { delayMs: 60_000 })
    await storage.enqueue([early])
    clock.advance(-2 * hour)
    const event = newEvent([webhook], { delayMs: 60_000 })
    await storage.enqueue([event])
    for (const { deliveries } of [early, event]) {
      const delivery = await storage.getDelivery(deliveries[0]!.id, tenantId)
      expect(delivery?.dueAt).toEqual(new Date(clock.now() + 60_000))
    }
    expect((await storage.getEvent(event.id, tenantId))?.createdAt).toEqual(new Date(clock.now()))
    clock.advance(60_000)
    const { claimed } = await storage.claim({ limit: 2, leaseMs: 30_000 })
    await storage.settle(
      claimed.map(({ id, lease }) => ({ id, lease, outcome: 'failed', reason: 'rejected', attempt: newAttempt(1) })),
    )
    const { data } = await storage.listDeliveries({ tenantId, limit: 2 })
    expect(data.map(({ finishedAt }) => finishedAt)).toEqual([new Date(clock.now()), new Date(clock.now())])
  })

  it('has the processes that share a file go by the same time, those that start later too', async () => {
    const path = tempFile()
    const { clock, storage, webhook } = await setUp(path)
    await storage.enqueue([newEvent([webhook], { delayMs: 60_000 })])
    const other = sqliteStorage(path, { clock: clock.now })
    await other.open()
    clock.advance(-2 * hour)
    expect((await storage.claim({ limit: 1, leaseMs: 30_000 })).nextDueInMs).toBe(60_000)
    const later = sqliteStorage(path, { clock: clock.now })
    await later.open()
    for (const each of [storage, other, later]) {
      expect((await each.claim({ limit: 1, leaseMs: 30_000 })).nextDueInMs).toBeLessThanOrEqual(60_000)
    }
    await Promise.all([storage, other, later].map((each) => each.close()))
  })

  it.each([
    ['claim', (storage: Storage) => storage.claim({ limit: 1, leaseMs: 30_000 })],
    ['only look for what is overdue', (storage: Storage) => storage.overdue({ limit: 1, byMs: 0 })],
  ])(
    'takes the time up to twenty seconds from where processes were that %s, though none was there at the step',
    async (_, look) => {
      const path = tempFile()
      const { clock, storage, webhook } = await setUp(path)
      await storage.enqueue([newEvent([webhook], { delayMs: 600_000 })])
      for (let polls = 0; polls < 60; polls++) {
        clock.advance(5_000)
        await look(storage)
      }
      await storage.close()
      clock.advance(-2 * hour)
      const { nextDueInMs } = await sqliteStorage(path, { clock: clock.now }).claim({ limit: 1, leaseMs: 30_000 })
      expect(nextDueInMs).toBeGreaterThanOrEqual(300_000)
      expect(nextDueInMs).toBeLessThanOrEqual(320_000)
    },
  )

  it('writes no time down while nothing is pending', async () => {
    const path = tempFile()
    const { clock, storage } = await setUp(path)
    const writes = () => statSync(`${path}-wal`).size
    const before = writes()
    clock.advance(hour)
    expect((await storage.claim({ limit: 1, leaseMs: 30_000 })).nextDueInMs).toBeNull()
    expect(await storage.overdue({ limit: 1, byMs: 0 })).toEqual([])
    expect(writes()).toBe(before)
    await storage.close()
  })
})
