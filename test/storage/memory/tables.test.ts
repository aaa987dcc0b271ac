import { describe, expect, it } from 'vitest'
import { claimDue } from '../../../src/storage/memory/claim.ts'
import { enqueue } from '../../../src/storage/memory/enqueue.ts'
import { listDeliveries } from '../../../src/storage/memory/listing.ts'
import { settle } from '../../../src/storage/memory/settle.ts'
import { Tables } from '../../../src/storage/memory/tables.ts'
import { memoryStorage } from '../../../src/storage/memory/memory-storage.ts'
import type { ListedRow, RowIndex } from '../../../src/storage/memory/sorted-rows.ts'
import { Fixture, tenantId } from '../../../src/storage/conformance/fixture.ts'

const fixture = new Fixture(
  memoryStorage(),
  () => new Date(0),
  async () => {},
)

const idsOf = (rows: RowIndex<ListedRow>) => [...rows.walk(tenantId, null, 'asc')].map(({ id }) => id)

describe('Tables', () => {
  it('find a delivery whatever its state, among the pending ones only while it is pending', () => {
    const tables = new Tables(10)
    const webhook = fixture.newWebhook()
    tables.webhooks.insert(webhook)
    const event = fixture.newEvent([webhook])
    enqueue(tables, [event], undefined, 0)
    const [{ id } = { id: '' }] = event.deliveries
    const found = () => [tables.findDelivery(id)?.state, tables.findPending(id)?.state]
    expect(found()).toEqual(['pending', 'pending'])
    for (const { lease } of claimDue(tables, 1, 1_000, 0)) {
      settle(tables, { id, lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) }, 0)
    }
    expect(found()).toEqual(['succeeded', undefined])
    const row = tables.findDelivery(id)
    if (row !== undefined) tables.revive(row, 0, 0)
    expect(found()).toEqual(['pending', 'pending'])
  })

  it('keep no lane of a webhook that has nothing pending', () => {
    const tables = new Tables(1)
    for (let count = 0; count < 10; count++) {
      const webhook = fixture.newWebhook()
      tables.webhooks.insert(webhook)
      enqueue(tables, [fixture.newEvent([webhook, { id: fixture.newId() }])], undefined, 0)
    }
    expect([...tables.lanes.values()]).toHaveLength(20)
    for (const { id, lease } of claimDue(tables, 100, 1_000, 0)) {
      settle(tables, { id, lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) }, 0)
    }
    expect([...tables.lanes.values()]).toEqual([])
    expect(idsOf(tables.deliveriesByTenant)).toHaveLength(1)
    expect(idsOf(tables.eventsByTenant)).toHaveLength(1)
  })

  it('keep of an event what is not forgotten, and not much more', () => {
    const tables = new Tables(1)
    const webhooks = Array.from({ length: 8 }, () => fixture.newWebhook())
    for (const webhook of webhooks) tables.webhooks.insert(webhook)
    const event = fixture.newEvent(webhooks)
    enqueue(tables, [event], undefined, 0)
    const claimed = claimDue(tables, 7, 1_000, 0)
    for (const { id, lease } of claimed) {
      settle(tables, { id, lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) }, 0)
    }
    const kept = idsOf(tables.deliveriesByTenant)
    const { data } = listDeliveries(tables, { tenantId: event.tenantId, eventId: event.id, limit: 10 }, 0)
    expect(kept).toHaveLength(2)
    expect(data.map(({ id }) => id).toSorted()).toEqual(kept.toSorted())
    const found = event.deliveries.filter(({ id }) => tables.findDelivery(id) !== undefined).map(({ id }) => id)
    expect(found.toSorted()).toEqual(kept.toSorted())
    expect(tables.findEvent(event.id, event.tenantId)?.deliveries.length).toBeLessThanOrEqual(4)
  })

  it('forget a delivery once, however its event goes', () => {
    const tables = new Tables(2)
    const webhooks = Array.from({ length: 4 }, () => fixture.newWebhook())
    for (const webhook of webhooks) tables.webhooks.insert(webhook)
    const [finished, pending] = [fixture.newEvent(webhooks), fixture.newEvent(webhooks.slice(0, 2))]
    enqueue(tables, [finished], undefined, 0)
    for (const { id, lease } of claimDue(tables, 4, 1_000, 0)) {
      settle(tables, { id, lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) }, 0)
    }
    enqueue(tables, [pending], undefined, 0)
    for (const event of tables.restingEvents()) tables.forgetEvent(event)
    const { data } = listDeliveries(tables, { tenantId: pending.tenantId, limit: 10 }, 0)
    expect(data.map(({ eventId }) => eventId)).toEqual([pending.id, pending.id])
  })

  it('forget expired idempotency keys as new events come', () => {
    const tables = new Tables(1)
    const key = { bodyHash: 'hash', idempotencyTtlMs: 1_000 }
    for (let count = 0; count < 10; count++) {
      enqueue(tables, [fixture.newEvent([], { ...key, idempotencyKey: String(count) })], undefined, 0)
    }
    expect(tables.keys.size).toBe(10)
    enqueue(tables, [fixture.newEvent([])], undefined, 1_000)
    expect(tables.keys.size).toBe(0)
  })
})
