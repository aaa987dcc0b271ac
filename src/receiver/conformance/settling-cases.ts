import assert from 'node:assert/strict'
import { type IdempotencyCases, keepMs, leaseMs } from './idempotency-fixture.ts'

export const settlingCases: IdempotencyCases = {
  'answers completed until the keep time ends, counted from the completion': async (fixture) => {
    const held = await fixture.hold()
    await fixture.advance(10_000)
    assert.equal(await fixture.store.complete(held, keepMs), true)
    await fixture.advance(keepMs - 1)
    const answer = await fixture.store.reserve(fixture.newReservation())
    assert.deepEqual(answer, { status: 'completed', fingerprint: 'first', answer: null })
    await fixture.advance(1)
    assert.equal(await fixture.statusOf(), 'reserved')
  },

  'completes once': async (fixture) => {
    const held = await fixture.hold()
    assert.equal(await fixture.store.complete(held, keepMs), true)
    assert.equal(await fixture.store.complete(held, keepMs), false)
    assert.equal(await fixture.store.release(held), false)
    assert.equal(await fixture.statusOf(), 'completed')
  },

  'completes after the lease has run out, where nobody took the event': async (fixture) => {
    const held = await fixture.hold()
    await fixture.advance(leaseMs + 1)
    assert.equal(await fixture.store.complete(held, keepMs), true)
    assert.equal(await fixture.statusOf(), 'completed')
  },

  'completes an event that was taken by another and given back': async (fixture) => {
    const slow = await fixture.hold()
    await fixture.advance(leaseMs)
    const other = await fixture.hold()
    assert.equal(await fixture.store.release(other), true)
    assert.equal(await fixture.store.complete(slow, keepMs), true)
    const answer = await fixture.store.reserve(fixture.newReservation({ fingerprint: 'second' }))
    assert.deepEqual(answer, { status: 'completed', fingerprint: 'first', answer: null })
  },

  'writes nothing for a lease that another has taken over': async (fixture) => {
    const stale = await fixture.hold()
    await fixture.advance(leaseMs)
    const holder = await fixture.hold()
    assert.equal(await fixture.store.complete(stale, keepMs), false)
    assert.equal(await fixture.store.release(stale), false)
    assert.equal(await fixture.statusOf(), 'in-flight')
    assert.equal(await fixture.store.complete(holder, keepMs), true)
    assert.equal(await fixture.store.complete(stale, keepMs), false)
  },

  'writes nothing for an invented lease': async (fixture) => {
    const held = await fixture.hold()
    assert.equal(await fixture.store.release({ ...held, lease: 'invented' }), false)
    assert.equal(await fixture.store.complete({ ...held, lease: 'invented' }, keepMs), false)
    assert.equal(await fixture.statusOf(), 'in-flight')
    assert.equal(await fixture.store.release({ ...held, id: 'sw:msg_9' }), false)
  },

  'lets the next one in at once after a release': async (fixture) => {
    const held = await fixture.hold()
    assert.equal(await fixture.store.release(held), true)
    assert.equal(await fixture.store.release(held), false)
    const answer = await fixture.store.reserve(fixture.newReservation({ fingerprint: 'second' }))
    assert.deepEqual(answer, { status: 'reserved', attempt: 1, fingerprint: 'second' })
  },

  'settles the events of one scope and id only': async (fixture) => {
    const held = await fixture.hold()
    await fixture.hold({ scope: 'payments', lease: held.lease })
    await fixture.hold({ id: 'sw:msg_2', lease: held.lease })
    assert.equal(await fixture.store.complete(held, keepMs), true)
    assert.equal(await fixture.statusOf({ scope: 'payments' }), 'in-flight')
    assert.equal(await fixture.statusOf({ id: 'sw:msg_2' }), 'in-flight')
  },

  'keeps the answer that an event was completed with, as it is, for as long as the event': async (fixture) => {
    const answer = '{"text":"\\u0000 \' \\\\ €"}'
    await fixture.store.complete(await fixture.hold(), keepMs, answer)
    await fixture.store.complete(await fixture.hold({ id: 'sw:msg_2' }), keepMs, 'another')
    const again = fixture.newReservation({ record: 'not taken' })
    assert.deepEqual(await fixture.store.reserve(again), { status: 'completed', fingerprint: 'first', answer })
    assert.equal(await fixture.store.complete(again, keepMs, 'too late'), false)
    await fixture.advance(keepMs - 1)
    assert.deepEqual(await fixture.store.reserve(again), { status: 'completed', fingerprint: 'first', answer })
    await fixture.advance(1)
    const afresh = await fixture.store.reserve(fixture.newReservation({ fingerprint: 'second' }))
    assert.deepEqual(afresh, { status: 'reserved', attempt: 1, fingerprint: 'second' })
  },

  'keeps an answer in place of the record, and gives it to nobody who asks for lapsed events': async (fixture) => {
    const held = await fixture.hold({ record: 'the record' })
    await fixture.advance(leaseMs)
    assert.equal(await fixture.store.complete(held, keepMs, 'the answer'), true)
    await fixture.advance(1)
    assert.deepEqual(await fixture.claim(), [])
    const answer = await fixture.store.reserve(fixture.newReservation())
    assert.deepEqual(answer, { status: 'completed', fingerprint: 'first', answer: 'the answer' })
  },
}
