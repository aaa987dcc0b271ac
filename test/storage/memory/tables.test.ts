import { describe, expect, it } from 'vitest'
import { claimDue } from '../../../src/storage/memory/claim.ts'
import { enqueue } from '../../../src/storage/memory/enqueue.ts'
import { listDeliveries } from '../../../src/storage/memory/listing.ts'
import { settle } from '../../../src/storage/memory/settle.ts'
import { Tables } from '../../../src/storage/memory/tables.ts'
import { memoryStorage } from '../../../src/storage/memory/memory-storage.ts'
import { Fixture } from '../../../src/storage/conformance/fixture.ts'

const fixture = new Fixture(
  memoryStorage(),
  () => new Date(0),
  async () => {},
)

describe('Tables', () => {
  it('keep no lane of a webhook that has nothing pending', () => {
    const tables = new Tables(1)
    for (let count = 0; count < 10; count++) {
      const webhook = fixture.newWebhook()
      tables.webhooks.insert(webhook)
      enqueue(tables, [fixture.newEvent([webhook, { id: fixture.newId() }])], 0)
    }
    expect([...tables.lanes.values()]).toHaveLength(20)
    for (const { id, lease } of claimDue(tables, 100, 1_000, 0)) {
      settle(tables, { id, lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) }, 0)
    }
    expect([...tables.lanes.values()]).toEqual([])
    expect(tables.deliveries.size).toBe(1)
    expect(tables.events.size).toBe(1)
  })

  it('keep of an event what is not forgotten, and not much more', () => {
    const tables = new Tables(1)
    const webhooks = Array.from({ length: 8 }, () => fixture.newWebhook())
    for (const webhook of webhooks) tables.webhooks.insert(webhook)
    const event = fixture.newEvent(webhooks)
    enqueue(tables, [event], 0)
    const claimed = claimDue(tables, 7, 1_000, 0)
    for (const { id, lease } of claimed) {
      settle(tables, { id, lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) }, 0)
    }
    const kept = [...tables.deliveries.keys()]
    const { data } = listDeliveries(tables, { tenantId: event.tenantId, eventId: event.id, limit: 10 }, 0)
    expect(kept).toHaveLength(2)
    expect(data.map(({ id }) => id).toSorted()).toEqual(kept.toSorted())
    expect(tables.events.get(event.id)?.deliveries.length).toBeLessThanOrEqual(4)
  })

  it('forget a delivery once, however its event goes', () => {
    const tables = new Tables(2)
    const webhooks = Array.from({ length: 4 }, () => fixture.newWebhook())
    for (const webhook of webhooks) tables.webhooks.insert(webhook)
    const [finished, pending] = [fixture.newEvent(webhooks), fixture.newEvent(webhooks.slice(0, 2))]
    enqueue(tables, [finished], 0)
    for (const { id, lease } of claimDue(tables, 4, 1_000, 0)) {
      settle(tables, { id, lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) }, 0)
    }
    enqueue(tables, [pending], 0)
    for (const event of tables.restingEvents()) tables.forgetEvent(event)
    const { data } = listDeliveries(tables, { tenantId: pending.tenantId, limit: 10 }, 0)
    expect(data.map(({ eventId }) => eventId)).toEqual([pending.id, pending.id])
  })

  it('forget expired idempotency keys as new events come', () => {
    const tables = new Tables(1)
    const key = { bodyHash: 'hash', idempotencyTtlMs: 1_000 }
    for (let count = 0; count < 10; count++) {
      enqueue(tables, [fixture.newEvent([], { ...key, idempotencyKey: String(count) })], 0)
    }
    expect(tables.keys.size).toBe(10)
    enqueue(tables, [fixture.newEvent([])], 1_000)
    expect(tables.keys.size).toBe(0)
  })
})
