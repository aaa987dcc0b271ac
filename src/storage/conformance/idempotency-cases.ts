import assert from 'node:assert/strict'
import { type Cases, foreignTenantId, idsOf, tenantId } from './fixture.ts'

const key = { idempotencyKey: 'order-1', bodyHash: 'hash', idempotencyTtlMs: 60_000 }

export const idempotencyCases: Cases = {
  'answers duplicate with the first id and writes nothing': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    const first = fixture.newEvent([webhook], key)
    const second = fixture.newEvent([webhook], key)
    assert.deepEqual((await storage.enqueue([first])).results, [{ id: first.id, status: 'accepted' }])
    assert.deepEqual((await storage.enqueue([second])).results, [{ id: first.id, status: 'duplicate' }])
    assert.equal(await storage.getEvent(second.id, tenantId), null)
    assert.equal((await storage.getEvent(first.id, tenantId))?.idempotencyKey, 'order-1')
    assert.deepEqual(idsOf(await fixture.claim(10)), idsOf(first.deliveries))
  },

  'answers conflict for another fingerprint and writes nothing': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    const first = fixture.newEvent([webhook], key)
    const second = fixture.newEvent([webhook], { ...key, bodyHash: 'other' })
    await storage.enqueue([first])
    const [result] = (await storage.enqueue([second])).results
    assert.equal(result?.status, 'conflict')
    assert.equal(await storage.getEvent(second.id, tenantId), null)
    assert.deepEqual(idsOf(await fixture.claim(10)), idsOf(first.deliveries))
    assert.deepEqual((await storage.enqueue([fixture.newEvent([], key)])).results, [
      { id: first.id, status: 'duplicate' },
    ])
  },

  'holds within one batch': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const events = [
      fixture.newEvent([webhook], key),
      fixture.newEvent([webhook], key),
      fixture.newEvent([webhook], { ...key, bodyHash: 'other' }),
      fixture.newEvent([webhook]),
    ]
    const [first, , , last] = events
    assert.ok(first !== undefined && last !== undefined)
    const { results } = await fixture.storage.enqueue(events)
    assert.deepEqual(
      results.map((result) => result.status),
      ['accepted', 'duplicate', 'conflict', 'accepted'],
    )
    assert.equal(results[1]?.id, first.id)
    assert.deepEqual(idsOf(await fixture.claim(10)), idsOf([...first.deliveries, ...last.deliveries]))
  },

  'lets one of several concurrent calls win': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    const calls = Array.from({ length: 6 }, () => fixture.storage.enqueue([fixture.newEvent([webhook], key)]))
    const results = (await Promise.all(calls)).flatMap((answer) => answer.results)
    assert.equal(results.filter((result) => result.status === 'accepted').length, 1)
    assert.equal(new Set(results.map((result) => result.id)).size, 1)
    assert.equal((await fixture.claim(10)).length, 1)
  },

  'accepts the repeated id of an event that has a key': async (fixture) => {
    const first = fixture.newEvent([], key)
    await fixture.storage.enqueue([first])
    assert.deepEqual((await fixture.storage.enqueue([first])).results, [{ id: first.id, status: 'accepted' }])
  },

  'forgets a key after idempotencyTtlMs': async (fixture) => {
    const { storage } = fixture
    const [first, second, third] = [fixture.newEvent([], key), fixture.newEvent([], key), fixture.newEvent([], key)]
    await storage.enqueue([first])
    await fixture.advance(59_000)
    assert.deepEqual((await storage.enqueue([second])).results, [{ id: first.id, status: 'duplicate' }])
    await fixture.advance(1_000)
    const renewed = { ...second, bodyHash: 'other' }
    assert.deepEqual((await storage.enqueue([renewed])).results, [{ id: second.id, status: 'accepted' }])
    assert.deepEqual((await storage.enqueue([{ ...third, bodyHash: 'other' }])).results, [
      { id: second.id, status: 'duplicate' },
    ])
  },

  'keeps the keys of tenants apart': async (fixture) => {
    const events = [
      fixture.newEvent([], key),
      fixture.newEvent([], { ...key, tenantId: foreignTenantId, bodyHash: 'other' }),
    ]
    const { results } = await fixture.storage.enqueue(events)
    assert.deepEqual(
      results,
      events.map((event) => ({ id: event.id, status: 'accepted' })),
    )
  },

  'compares keys as plain text': async (fixture) => {
    const keys = ['Key', 'key', 'key ', 'kéy', 'ke%', '__proto__', "k'y"]
    const events = keys.map((idempotencyKey) =>
      fixture.newEvent([], { ...key, idempotencyKey, bodyHash: idempotencyKey }),
    )
    const { results } = await fixture.storage.enqueue(events)
    assert.deepEqual(new Set(results.map((result) => result.status)), new Set(['accepted']))
  },
}
