import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Storage } from '../../../src/storage/storage.ts'
import type { SqliteDatabase } from '../../../src/storage/sqlite/sqlite-database.ts'
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite-storage.ts'
import { newAttempt, newEvent, newWebhook, tenantId } from './rows.ts'

describe('the query plans of sqliteStorage', () => {
  let database: DatabaseSync
  let storage: Storage
  let prepared: Set<string>
  let nowMs: number

  beforeEach(async () => {
    nowMs = 0
    prepared = new Set()
    database = new DatabaseSync(':memory:')
    storage = sqliteStorage(recording(database, prepared), { clock: () => nowMs })
    await fillWithHistory(storage)
  })
  afterEach(() => database.close())

  const plans = () =>
    [...prepared]
      .filter((sql) => sql.includes('posthorn_'))
      .map((sql) => ({ sql, plan: planOf(database, sql) }))
      .filter(({ plan }) => plan !== '')

  for (const isAnalyzed of [false, true]) {
    const when = isAnalyzed ? 'after ANALYZE' : 'without statistics'

    it(`read no table of deliveries from end to end ${when}`, async () => {
      if (isAnalyzed) database.exec('ANALYZE')
      await useEverything(storage)
      nowMs += 60_000
      await useEverything(storage)
      const found = plans()
      expect(found.length).toBeGreaterThan(30)
      const scans = found.filter(({ plan }) => plan.split('\n').some(isScan))
      expect(scans).toEqual([])
    })

    it(`claim, promote and find what is overdue by the partial indexes, unsorted ${when}`, async () => {
      if (isAnalyzed) database.exec('ANALYZE')
      const webhook = newWebhook()
      await storage.insertWebhook(webhook)
      await storage.enqueue([newEvent([webhook]), newEvent([webhook], { delayMs: 1 })])
      prepared.clear()
      // A new storage, because statements are prepared once.
      storage = sqliteStorage(recording(database, prepared), { clock: () => nowMs })
      nowMs += 1
      expect(await storage.overdue({ limit: 1000, byMs: 0 })).toHaveLength(102)
      const { claimed } = await storage.claim({ limit: 1, leaseMs: 1 })
      expect(claimed).toHaveLength(1)
      const found = plans().filter(({ sql }) => /FROM posthorn_deliveries/.test(sql))
      expect(found.length).toBeGreaterThan(5)
      for (const { sql, plan } of found) {
        expect(plan, sql).toMatch(/INDEX posthorn_deliveries_(ready|waiting|expiring|leased)/)
        expect(plan, sql).not.toMatch(/posthorn_deliveries_(of_webhook|listed|of_event)|TEMP B-TREE/)
      }
    })

    it(`list a webhook, an event and a tenant by an index of its own ${when}`, async () => {
      if (isAnalyzed) database.exec('ANALYZE')
      await storage.listDeliveries({ tenantId, limit: 1 })
      const scopes = [
        [{}, 'listed', false],
        [{ webhookId: 'x' }, 'of_webhook', false],
        [{ eventId: 'x' }, 'of_event', true],
      ] as const
      for (const [scope, index, isSorted] of scopes) {
        prepared.clear()
        storage = sqliteStorage(recording(database, prepared))
        await storage.listDeliveries({ ...scope, tenantId, limit: 1, state: 'succeeded' })
        await storage.cancel({ ...scope, tenantId, limit: 1, reason: 'tested' })
        const found = plans().filter(({ sql }) => sql.includes('FROM posthorn_deliveries'))
        expect(found.length).toBeGreaterThan(1)
        for (const { plan } of found) {
          expect(plan).toContain(`posthorn_deliveries_${index} `)
          expect(plan.includes('TEMP B-TREE')).toBe(isSorted)
        }
      }
    })

    it(`count the backlog of a tenant without those of others ${when}`, async () => {
      if (isAnalyzed) database.exec('ANALYZE')
      await storage.stats({})
      prepared.clear()
      storage = sqliteStorage(recording(database, prepared))
      await storage.stats({ tenantId })
      const found = plans().filter(({ sql }) => sql.includes('FROM posthorn_deliveries'))
      const indexes = found.map(({ plan }) => /posthorn_deliveries_(\w+)/.exec(plan)?.[1])
      expect(indexes.filter((index) => index === 'queued')).toHaveLength(3)
      expect(indexes.filter((index) => index === 'expiring')).toHaveLength(2)
      expect(indexes).toHaveLength(5)
      for (const { plan } of found.filter(({ sql }) => sql.includes('queued'))) expect(plan).toContain('tenant_id=?')
    })

    it(`list what did not succeed by the index that holds nothing else ${when}`, async () => {
      if (isAnalyzed) database.exec('ANALYZE')
      await storage.listDeliveries({ tenantId, limit: 1 })
      for (const [scope, index] of [
        [{}, 'undelivered'],
        [{ webhookId: 'x' }, 'undelivered_of_webhook'],
      ] as const) {
        for (const state of ['failed', 'cancelled', 'skipped'] as const) {
          prepared.clear()
          storage = sqliteStorage(recording(database, prepared))
          await storage.listDeliveries({ ...scope, tenantId, limit: 1, state })
          await storage.requeue({ ...scope, tenantId, limit: 1, state })
          const found = plans().filter(({ sql }) => sql.includes('FROM posthorn_deliveries'))
          expect(found.length).toBeGreaterThan(1)
          for (const { plan } of found) {
            expect(plan).toContain(`posthorn_deliveries_${index} `)
            expect(plan).not.toContain('TEMP B-TREE')
          }
        }
      }
    })
  }
})

/** Whether a step reads a whole table. The partial indexes hold pending deliveries only: counting goes through them, up to a bound. */
function isScan(step: string): boolean {
  return (
    /^SCAN (d|e|b|a|w|posthorn_\w+)\b/.test(step) && !/posthorn_deliveries_(ready|waiting|expiring|leased)/.test(step)
  )
}

/** Passes everything on to a database, and notes what is prepared. */
function recording(database: DatabaseSync, prepared: Set<string>): SqliteDatabase {
  return {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => {
      prepared.add(sql)
      return database.prepare(sql)
    },
  }
}

function planOf(database: DatabaseSync, sql: string): string {
  const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()
  return rows.map((row) => String(row['detail'])).join('\n')
}

async function fillWithHistory(storage: Storage): Promise<void> {
  for (let count = 0; count < 10; count++) {
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    await storage.enqueue(Array.from({ length: 100 }, () => newEvent([webhook])))
    const { claimed } = await storage.claim({ limit: 90, leaseMs: 60_000 })
    await storage.settle(
      claimed.map(({ id, lease }) => ({ id, lease, outcome: 'succeeded', attempt: newAttempt(1) }) as const),
    )
  }
}

async function useEverything(storage: Storage): Promise<void> {
  const webhook = newWebhook()
  await storage.insertWebhook(webhook)
  await storage.updateWebhook(webhook.id, tenantId, { name: 'renamed', events: ['order.*'] })
  await storage.matchWebhooks([{ tenantId, patterns: ['*', 'order.*'] }])
  await storage.gate(webhook.id, null)
  const key = { idempotencyKey: webhook.id, bodyHash: 'hash', idempotencyTtlMs: 1 }
  const event = newEvent([webhook], key)
  await storage.enqueue([event, newEvent([webhook])], { claimFor: { limit: 1, leaseMs: 1 } })
  const { claimed } = await storage.claim({ limit: 500, leaseMs: 60_000 })
  await storage.claim({ limit: 1, leaseMs: 1, ids: event.deliveries.map(({ id }) => id) })
  await storage.renew(claimed, 60_000)
  await storage.settle(
    claimed.map(({ id, lease, attemptCount }) => {
      return { id, lease, outcome: 'retry', attempt: newAttempt(attemptCount + 1), retryInMs: 30_000 } as const
    }),
  )
  const filters = [{}, { webhookId: webhook.id }, { eventId: event.id }] as const
  for (const filter of filters) {
    await storage.cancel({ ...filter, tenantId, reason: 'tested', limit: 1 })
    await storage.requeue({ ...filter, tenantId, limit: 1 })
    for (const order of ['asc', 'desc'] as const) {
      const page = { ...filter, tenantId, limit: 1, order }
      const { nextCursor } = await storage.listDeliveries(page)
      if (nextCursor !== null) await storage.listDeliveries({ ...page, state: 'pending', cursor: nextCursor })
    }
  }
  await storage.listWebhooks({ tenantId, limit: 1 })
  await storage.listEvents({ tenantId, limit: 1 })
  for (const { id } of event.deliveries) {
    await storage.getDelivery(id, tenantId)
    await storage.listAttempts({ tenantId, deliveryId: id, limit: 1 })
  }
  for (const query of [{}, { tenantId }, { webhookId: webhook.id }]) await storage.stats(query)
  await storage.purge({ eventsOlderThanMs: 1, bodiesOlderThanMs: 1, attemptsOlderThanMs: 1, limit: 1 })
  await storage.deleteWebhook(webhook.id, tenantId)
  await storage.claim({ limit: 500, leaseMs: 1 })
}
