import assert from 'node:assert/strict'
import { type Cases, type Fixture, idsOf, only, tenantId } from './fixture.ts'

export const overdueCases: Cases = {
  'finds what has been due for byMs, and nothing that came later': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const early = await fixture.enqueue(webhook, 2)
    const late = await fixture.enqueue(webhook, 1, { delayMs: 1_000 })
    assert.deepEqual(await fixture.storage.overdue({ limit: 10, byMs: 5_000 }), [])
    await fixture.advance(5_000)
    assert.deepEqual(await overdue(fixture, 10, 5_000), early)
    await fixture.advance(1_000)
    assert.deepEqual(await overdue(fixture, 10, 5_000), [...early, ...late].toSorted())
    await fixture.enqueue(webhook, 1)
    assert.deepEqual(await overdue(fixture, 10, 5_000), [...early, ...late].toSorted())
  },

  'finds nothing where nothing is pending': async (fixture) => {
    await fixture.finish(await fixture.insertWebhook())
    await fixture.advance(60_000)
    assert.deepEqual(await fixture.storage.overdue({ limit: 10, byMs: 0 }), [])
  },

  'leases nothing: what it found it finds again, and a claim gives it out': async (fixture) => {
    const webhook = await fixture.insertWebhook({ maxInFlight: 3 })
    const ids = await fixture.enqueue(webhook, 3)
    assert.deepEqual(await overdue(fixture, 10, 0), ids)
    assert.deepEqual(await overdue(fixture, 10, 0), ids)
    for (const id of ids) assert.equal((await fixture.delivery(id)).isLeased, false)
    const claimed = await fixture.claim(10)
    assert.deepEqual(idsOf(claimed), ids)
    assert.deepEqual(
      claimed.map(({ claimCount }) => claimCount),
      [1, 1, 1],
    )
  },

  'finds nothing that is held, until its lease has run out for byMs': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook, 30_000)
    await fixture.advance(29_000)
    assert.deepEqual(await fixture.storage.overdue({ limit: 10, byMs: 0 }), [])
    await fixture.advance(2_000)
    assert.deepEqual(await fixture.storage.overdue({ limit: 10, byMs: 5_000 }), [])
    await fixture.advance(4_000)
    assert.deepEqual(await overdue(fixture, 10, 5_000), [held.id])
  },

  'finds no more of a webhook than it has free slots, the longest due first': async (fixture) => {
    const webhook = await fixture.insertWebhook({ maxInFlight: 3 })
    const other = await fixture.insertWebhook()
    const held = await fixture.claimNew(webhook)
    const first = await fixture.enqueue(webhook, 2)
    await fixture.advance(1_000)
    await fixture.enqueue(webhook, 5)
    const others = await fixture.enqueue(other, 2)
    assert.deepEqual(await overdue(fixture, 100, 0), [...first, ...others].toSorted())
    await fixture.claim(100)
    assert.deepEqual(await fixture.storage.overdue({ limit: 100, byMs: 0 }), [])
    const { id, lease } = held
    await fixture.storage.settle([{ id, lease, outcome: 'succeeded', attempt: fixture.newAttempt(1) }])
    assert.equal((await fixture.storage.overdue({ limit: 100, byMs: 0 })).length, 1)
  },

  'finds nothing of a gated webhook': async (fixture) => {
    const gated = await fixture.insertWebhook()
    const other = await fixture.insertWebhook()
    const ids = await fixture.enqueue(gated, 2)
    const others = await fixture.enqueue(other, 1)
    await fixture.storage.gate(gated.id, 10_000)
    assert.deepEqual(await overdue(fixture, 10, 0), others)
    await fixture.advance(10_000)
    assert.deepEqual(await overdue(fixture, 10, 0), [...ids, ...others].toSorted())
  },

  'finds nothing of a webhook that is not active or gone, and cancels it': async (fixture) => {
    const disabled = await fixture.insertWebhook()
    const gone = await fixture.insertWebhook()
    const held = await fixture.claimNew(gone)
    const [ofDisabled] = await fixture.enqueue(disabled, 1)
    const [ofGone] = await fixture.enqueue(gone, 1)
    await fixture.storage.updateWebhook(disabled.id, tenantId, { isActive: false, disabledReason: 'manual' })
    await fixture.storage.deleteWebhook(gone.id, tenantId)
    assert.deepEqual(await fixture.storage.overdue({ limit: 10, byMs: 0 }), [])
    assert.ok(ofDisabled !== undefined && ofGone !== undefined)
    const { state, reason } = await fixture.delivery(ofDisabled)
    assert.deepEqual({ state, reason }, { state: 'cancelled', reason: 'disabled' })
    assert.equal((await fixture.delivery(ofGone)).reason, 'deleted')
    assert.equal((await fixture.delivery(held.id)).state, 'pending')
  },

  'keeps to the limit': async (fixture) => {
    await fixture.enqueue(await fixture.insertWebhook(), 3)
    await fixture.enqueue(await fixture.insertWebhook(), 3)
    assert.equal((await fixture.storage.overdue({ limit: 1, byMs: 0 })).length, 1)
    const ids = await fixture.storage.overdue({ limit: 5, byMs: 0 })
    assert.equal(new Set(ids).size, 5)
    assert.equal((await fixture.storage.overdue({ limit: 100, byMs: 0 })).length, 6)
  },

  'does not let one backlog hide another webhook': async (fixture) => {
    const busy = await fixture.insertWebhook()
    await fixture.enqueue(busy, 500)
    await fixture.advance(1_000)
    const quiet = only(await fixture.enqueue(await fixture.insertWebhook(), 1))
    const found = await fixture.storage.overdue({ limit: 10, byMs: 0 })
    assert.equal(found.length, 10)
    assert.ok(found.includes(quiet))
  },

  'comes to every webhook, call by call': async (fixture) => {
    const expected: string[] = []
    for (let count = 0; count < 20; count++) {
      const [first] = await fixture.enqueue(await fixture.insertWebhook({ maxInFlight: 1 }), 3)
      if (first !== undefined) expected.push(first)
    }
    const found = new Set<string>()
    for (let call = 0; call < 8; call++) {
      for (const id of await fixture.storage.overdue({ limit: 6, byMs: 0 })) found.add(id)
    }
    assert.deepEqual([...found].toSorted(), expected.toSorted())
  },
}

/** The ids that are found, sorted. */
async function overdue(fixture: Fixture, limit: number, byMs: number): Promise<string[]> {
  return (await fixture.storage.overdue({ limit, byMs })).toSorted()
}
