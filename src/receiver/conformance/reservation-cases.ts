import assert from 'node:assert/strict'
import { type IdempotencyCases, keepMs, leaseMs } from './idempotency-fixture.ts'

export const reservationCases: IdempotencyCases = {
  'gives an absent event out once': async (fixture) => {
    const { store } = fixture
    const first = await store.reserve(fixture.newReservation())
    assert.deepEqual(first, { status: 'reserved', attempt: 1, fingerprint: 'first' })
    const second = await store.reserve(fixture.newReservation())
    assert.deepEqual(second, { status: 'in-flight', retryInMs: leaseMs, fingerprint: 'first' })
  },

  'gives an event to one of many calls at once': async (fixture) => {
    const calls = Array.from({ length: 16 }, () => fixture.statusOf())
    const statuses = (await Promise.all(calls)).toSorted()
    assert.deepEqual(statuses, [...Array.from({ length: 15 }, () => 'in-flight'), 'reserved'])
  },

  'gives a lapsed event to one of many calls at once': async (fixture) => {
    await fixture.hold()
    await fixture.advance(leaseMs)
    const statuses = await Promise.all(Array.from({ length: 16 }, () => fixture.statusOf()))
    assert.equal(statuses.filter((status) => status === 'reserved').length, 1)
  },

  'keeps events of other scopes and other ids apart': async (fixture) => {
    await fixture.hold()
    assert.equal(await fixture.statusOf({ id: 'sw:msg_2' }), 'reserved')
    assert.equal(await fixture.statusOf({ scope: 'payments' }), 'reserved')
    assert.equal(await fixture.statusOf({ scope: 'orders:sw', id: 'msg_1' }), 'reserved')
    assert.equal(await fixture.statusOf({ id: 'SW:MSG_1' }), 'reserved')
    assert.equal(await fixture.statusOf({ id: 'sw:msg_1%20' }), 'reserved')
  },

  'keeps the longest scope and id': async (fixture) => {
    const scope = 's'.repeat(128)
    const id = 'i'.repeat(899)
    await fixture.hold({ scope, id: `${id}a` })
    assert.equal(await fixture.statusOf({ scope, id: `${id}a` }), 'in-flight')
    assert.equal(await fixture.statusOf({ scope, id: `${id}b` }), 'reserved')
  },

  'says when the lease of the holder ends': async (fixture) => {
    await fixture.hold()
    await fixture.advance(20_000)
    const answer = await fixture.store.reserve(fixture.newReservation())
    assert.deepEqual(answer, { status: 'in-flight', retryInMs: leaseMs - 20_000, fingerprint: 'first' })
  },

  'gives an event out again once its lease has run out, and counts that': async (fixture) => {
    await fixture.hold()
    await fixture.advance(leaseMs - 1)
    assert.equal(await fixture.statusOf(), 'in-flight')
    await fixture.advance(1)
    const again = await fixture.store.reserve(fixture.newReservation())
    assert.deepEqual(again, { status: 'reserved', attempt: 2, fingerprint: 'first' })
    await fixture.advance(leaseMs - 1)
    assert.equal(await fixture.statusOf(), 'in-flight')
  },

  'tells the fingerprint of the first reservation': async (fixture) => {
    const first = await fixture.hold()
    const other = { fingerprint: 'second' }
    assert.equal((await fixture.store.reserve(fixture.newReservation(other))).fingerprint, 'first')
    await fixture.advance(leaseMs)
    assert.equal((await fixture.store.reserve(fixture.newReservation(other))).fingerprint, 'first')
    await fixture.advance(leaseMs)
    await fixture.store.complete(first, keepMs)
    assert.equal((await fixture.store.reserve(fixture.newReservation(other))).fingerprint, 'first')
  },

  'forgets a reservation that nobody completed after its keep time': async (fixture) => {
    await fixture.hold({ record: 'text' })
    await fixture.advance(keepMs)
    assert.deepEqual(await fixture.claim(), [])
    const fresh = await fixture.store.reserve(fixture.newReservation({ fingerprint: 'second' }))
    assert.deepEqual(fresh, { status: 'reserved', attempt: 1, fingerprint: 'second' })
  },

  'goes on when many events have outlived their keep time': async (fixture) => {
    const old = Array.from({ length: 40 }, (_, nth) => `sw:old_${nth}`)
    await Promise.all(old.map((id) => fixture.hold({ id })))
    await fixture.advance(keepMs)
    for (const id of ['sw:new_1', 'sw:new_2', 'sw:new_3']) assert.equal(await fixture.statusOf({ id }), 'reserved')
    const statuses = await Promise.all(old.map((id) => fixture.statusOf({ id })))
    assert.deepEqual([...new Set(statuses)], ['reserved'])
  },
}
