import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Claimed, Storage } from '../../../src/storage/storage.ts'
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite-storage.ts'
import { newEvent, newWebhook, tenantId } from './rows.ts'

describe('claims of sqliteStorage', () => {
  it('goes round more webhooks than one call may probe, and rests after a round without result', async () => {
    const storage = sqliteStorage(':memory:', { clock: () => 0 })
    const webhooks = Array.from({ length: 450 }, () => newWebhook())
    await insertAll(storage, webhooks)
    await storage.enqueue([newEvent(webhooks)])
    for (const { id } of webhooks) await storage.gate(id, 60_000)
    const waits = []
    for (let call = 0; call < 6; call++) waits.push(await storage.claim({ limit: 10, leaseMs: 1 }))
    expect(waits.every(({ claimed }) => claimed.length === 0)).toBe(true)
    expect(waits.map(({ nextDueInMs }) => nextDueInMs)).toEqual([0, 0, 60_000, 0, 0, 60_000])

    const open = webhooks[333]?.id ?? ''
    await storage.gate(open, null)
    expect((await claimAll(storage, 4, 10)).map(({ webhook }) => webhook.id)).toEqual([open])
  })

  it('cancels the backlog of a webhook that is gone in bounded chunks', async () => {
    const storage = sqliteStorage(':memory:')
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    await storage.enqueue(Array.from({ length: 1200 }, () => newEvent([webhook])))
    await storage.deleteWebhook(webhook.id, tenantId)
    const left = []
    for (let call = 0; call < 3; call++) {
      const { nextDueInMs } = await storage.claim({ limit: 10, leaseMs: 1 })
      left.push([(await storage.stats({})).ready, nextDueInMs])
    }
    expect(left).toEqual([
      [700, 0],
      [200, 0],
      [0, null],
    ])
  })

  it('promotes what comes due at once in bounded chunks', async () => {
    let nowMs = 0
    const storage = sqliteStorage(':memory:', { clock: () => nowMs })
    const webhook = newWebhook({ maxInFlight: 1 })
    await storage.insertWebhook(webhook)
    await storage.enqueue(Array.from({ length: 2500 }, () => newEvent([webhook], { delayMs: 1000 })))
    nowMs = 1000
    const waits = []
    for (let call = 0; call < 3; call++) {
      waits.push((await storage.claim({ limit: 10, leaseMs: 60_000 })).nextDueInMs)
    }
    expect(waits).toEqual([0, 0, 60_000])
  })

  it('shares a claim out evenly, and gives what is left to those that have more', async () => {
    const storage = sqliteStorage(':memory:')
    const [busy, quiet] = [newWebhook(), newWebhook()]
    await insertAll(storage, [busy, quiet])
    await storage.enqueue(Array.from({ length: 100 }, () => newEvent([busy])))
    await storage.enqueue(Array.from({ length: 3 }, () => newEvent([quiet])))
    const { claimed } = await storage.claim({ limit: 10, leaseMs: 60_000 })
    const countOf = (id: string) => claimed.filter(({ webhook }) => webhook.id === id).length
    expect([countOf(busy.id), countOf(quiet.id)]).toEqual([7, 3])
  })

  it('gives out all that it may, to no webhook two more than to another that could have had them, the longest due first', async () => {
    const lane = fc.record({
      cap: fc.integer({ min: 1, max: 6 }),
      dues: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 9 }),
    })
    const cases = fc.array(lane, { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        cases,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 12 }),
        async (lanes, limit, turns) => {
          let nowMs = 0
          const storage = sqliteStorage(':memory:', { clock: () => nowMs })
          const webhooks = lanes.map(({ cap }) => newWebhook({ maxInFlight: cap }))
          await insertAll(storage, webhooks)
          const dueOf = lanes.map(() => new Map<string, number>())
          for (const [place, { dues }] of lanes.entries()) {
            for (const delayMs of dues) {
              const event = newEvent(webhooks.slice(place, place + 1), { delayMs })
              for (const { id } of event.deliveries) dueOf[place]?.set(id, delayMs)
              await storage.enqueue([event])
            }
          }
          nowMs = 10
          // From wherever the round stands.
          for (let turn = 0; turn < turns; turn++) {
            const { claimed } = await storage.claim({ limit: 1, leaseMs: 1000 })
            await storage.settle(
              claimed.map(({ id, lease }) => ({ id, lease, outcome: 'release', retryInMs: 0 }) as const),
            )
            for (const { id } of claimed) for (const dues of dueOf) if (dues.has(id)) dues.set(id, nowMs)
          }
          const { claimed, nextDueInMs } = await storage.claim({ limit, leaseMs: 1000 })
          const counts = webhooks.map(({ id }) => claimed.filter(({ webhook }) => webhook.id === id).length)
          const most = lanes.map(({ cap, dues }) => Math.min(cap, dues.length))
          const all = most.reduce((sum, each) => sum + each, 0)
          expect(claimed).toHaveLength(Math.min(limit, all))
          expect(new Set(claimed.map(({ id }) => id)).size).toBe(claimed.length)
          const open = counts.filter((count, place) => count < (most[place] ?? 0))
          expect(Math.max(...counts) - Math.min(...open, Infinity)).toBeLessThanOrEqual(1)
          // A full claim may say to ask again where nothing is left: it stopped before it had met every lane.
          expect(nextDueInMs === 0 || all === limit).toBe(all >= limit)
          for (const [place, { id: webhookId }] of webhooks.entries()) {
            const taken = claimed
              .filter(({ webhook }) => webhook.id === webhookId)
              .map(({ id }) => dueOf[place]?.get(id))
            const inOrder = [...(dueOf[place]?.values() ?? [])].toSorted((left, right) => left - right)
            expect(taken).toEqual(inOrder.slice(0, taken.length))
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('does not revive an expired lease where its slot is taken', async () => {
    let nowMs = 0
    const storage = sqliteStorage(':memory:', { clock: () => nowMs })
    const webhook = newWebhook({ maxInFlight: 1 })
    await storage.insertWebhook(webhook)
    await storage.enqueue([newEvent([webhook])])
    const [late] = await claimAll(storage, 1, 1)
    nowMs = 60_000
    const claimFor = { limit: 1, leaseMs: 60_000 }
    expect((await storage.enqueue([newEvent([webhook])], { claimFor })).claimed).toHaveLength(1)
    const attempt = { number: 1, trigger: 'auto', startedAt: new Date(0), durationMs: 1, status: 500 } as const
    const settlement = {
      id: late?.id ?? '',
      lease: late?.lease ?? '',
      outcome: 'continue',
      leaseMs: 60_000,
      attempt: { ...attempt, error: null, responseHeaders: null, responseBody: null },
    } as const
    expect(await storage.settle([settlement])).toEqual([])
    expect((await storage.stats({})).leased).toBe(1)
    expect(await storage.settle([{ ...settlement, outcome: 'succeeded' }])).toEqual([
      { id: late?.id, state: 'succeeded' },
    ])
  })
})

async function insertAll(
  storage: Storage,
  webhooks: readonly Parameters<Storage['insertWebhook']>[0][],
): Promise<void> {
  for (const webhook of webhooks) await storage.insertWebhook(webhook)
}

async function claimAll(storage: Storage, calls: number, limit: number): Promise<Claimed[]> {
  const claimed: Claimed[] = []
  for (let call = 0; call < calls; call++) {
    claimed.push(...(await storage.claim({ limit, leaseMs: 60_000 })).claimed)
  }
  return claimed
}
