import { describe, expect, it } from 'vitest'
import { claimDue } from '../../../src/storage/memory/claim.ts'
import { enqueue } from '../../../src/storage/memory/enqueue.ts'
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
