import assert from 'node:assert/strict'
import type { StorageStats } from '../storage.ts'
import { type Cases, foreignTenantId, only, tenantId } from './fixture.ts'

export const statsCases: Cases = {
  'counts what is due, waits and is held': async (fixture) => {
    const { storage } = fixture
    const [webhook, other] = [await fixture.insertWebhook(), await fixture.insertWebhook()]
    const foreign = await fixture.insertWebhook({ tenantId: foreignTenantId })
    await fixture.claimNew(webhook, 60_000)
    await fixture.finish(webhook)
    await fixture.enqueue(webhook, 2)
    await fixture.enqueue(webhook, 3, { delayMs: 60_000 })
    await fixture.enqueue(other, 4)
    await fixture.enqueue(foreign, 5, { tenantId: foreignTenantId })
    assertCounts(await storage.stats({}), [11, 3, 1])
    assertCounts(await storage.stats({ tenantId }), [6, 3, 1])
    assertCounts(await storage.stats({ tenantId, webhookId: webhook.id }), [2, 3, 1])
    assertCounts(await storage.stats({ webhookId: other.id }), [4, 0, 0])
    assertCounts(await storage.stats({ tenantId: foreignTenantId }), [5, 0, 0])
    assertCounts(await storage.stats({ tenantId: foreignTenantId, webhookId: other.id }), [0, 0, 0])
    assertCounts(await storage.stats({ webhookId: fixture.newId() }), [0, 0, 0])
  },

  'counts as far as it is asked to, of a tenant whatever there is of others': async (fixture) => {
    const { storage } = fixture
    const foreign = await fixture.insertWebhook({ tenantId: foreignTenantId })
    const webhook = await fixture.insertWebhook()
    await fixture.enqueue(foreign, 9, { tenantId: foreignTenantId })
    await fixture.enqueue(foreign, 9, { tenantId: foreignTenantId, delayMs: 60_000 })
    await fixture.enqueue(webhook, 2)
    await fixture.enqueue(webhook, 2, { delayMs: 60_000 })
    assertCounts(await storage.stats({ tenantId, countUpTo: 4 }), [2, 2, 0])
    const { ready, waiting, isApproximate } = await storage.stats({ tenantId: foreignTenantId, countUpTo: 4 })
    for (const count of [ready, waiting]) {
      assert.ok(count === 9 || (count >= 4 && isApproximate), `counted ${count} of 9 as if there were no more`)
    }
  },

  'follows the clock and every change': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    const id = only(await fixture.enqueue(webhook, 1, { delayMs: 10_000 }))
    assertCounts(await storage.stats({}), [0, 1, 0])
    await fixture.advance(10_000)
    assertCounts(await storage.stats({}), [1, 0, 0])
    const held = only(await fixture.claim(10))
    assertCounts(await storage.stats({}), [0, 0, 1])
    await storage.settle([{ id, lease: held.lease, outcome: 'release', retryInMs: 5_000 }])
    assertCounts(await storage.stats({ tenantId }), [0, 1, 0])
    await storage.cancel({ tenantId, ids: [id], reason: 'tested', limit: 1 })
    assertCounts(await storage.stats({}), [0, 0, 0])
    await storage.requeue({ tenantId, ids: [id], limit: 1 })
    assertCounts(await storage.stats({}), [1, 0, 0])
  },

  'counts an expired lease as due': async (fixture) => {
    const webhook = await fixture.insertWebhook()
    await fixture.claimNew(webhook, 10_000)
    await fixture.advance(10_000)
    assertCounts(await fixture.storage.stats({}), [1, 0, 0])
  },

  'tells for how long the oldest due delivery has been due': async (fixture) => {
    const { storage } = fixture
    const webhook = await fixture.insertWebhook()
    assert.equal((await storage.stats({})).oldestReadyMs, null)
    await fixture.enqueue(webhook, 1, { delayMs: 60_000 })
    assert.equal((await storage.stats({})).oldestReadyMs, null)
    await fixture.enqueue(webhook, 1)
    await fixture.advance(7_000)
    await fixture.enqueue(webhook, 1)
    await fixture.advance(1_000)
    for (const query of [{}, { tenantId }, { webhookId: webhook.id }]) {
      const { oldestReadyMs } = await storage.stats(query)
      assert.ok(
        oldestReadyMs !== null && oldestReadyMs >= 8_000 && oldestReadyMs < 9_000,
        `due for ${oldestReadyMs} ms`,
      )
    }
    assert.equal((await storage.stats({ tenantId: foreignTenantId })).oldestReadyMs, null)
  },
}

function assertCounts(stats: StorageStats, expected: readonly number[]): void {
  const counts = [stats.ready, stats.waiting, stats.leased]
  assert.ok(counts.every((count) => Number.isSafeInteger(count) && count >= 0))
  // Estimates may be off; that they are given as numbers is all that can be asked of them.
  if (!stats.isApproximate) assert.deepEqual(counts, expected)
}
