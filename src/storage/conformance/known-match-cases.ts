import assert from 'node:assert/strict'
import type { EnqueueOptions, KnownMatch } from '../query.ts'
import type { StoredWebhook } from '../storage.ts'
import { type Cases, type Fixture, foreignTenantId, idsOf, tenantId } from './fixture.ts'

const patterns = ['*', 'order.*', 'order.created']

/** Leased at once, left to others, and held back: each may be written in a way of its own. */
const ways: Readonly<Record<string, { readonly delayMs?: number; readonly options: EnqueueOptions }>> = {
  'leased at once': { options: { claimFor: { limit: 10, leaseMs: 30_000 } } },
  'left to others': { options: {} },
  'held back': { delayMs: 1_000, options: { claimFor: { limit: 10, leaseMs: 30_000 } } },
}

const changes: Readonly<Record<string, (fixture: Fixture, webhook: StoredWebhook) => Promise<unknown>>> = {
  'one more wants it': (fixture) => fixture.insertWebhook({ events: ['*'] }),
  'one was deleted': ({ storage }, { id }) => storage.deleteWebhook(id, tenantId),
  'one was disabled': ({ storage }, { id }) => storage.updateWebhook(id, tenantId, { isActive: false }),
  'one does not want it any more': ({ storage }, { id }) => storage.updateWebhook(id, tenantId, { events: ['user.*'] }),
}

/** Of adapters with the capability `checksMatches`; others are never given `ifMatched`. */
export const knownMatchCases: Cases = {
  ...Object.fromEntries(
    Object.entries(ways).flatMap(([way, { options, ...overrides }]) => [
      [
        `writes what is ${way} where all is as it was`,
        async (fixture: Fixture) => {
          if (fixture.storage.capabilities.checksMatches !== true) return
          const webhooks = [await fixture.insertWebhook(), await fixture.insertWebhook({ isActive: false })]
          await fixture.insertWebhook({ events: ['*'], tenantId: foreignTenantId })
          const known = await answersNow(fixture, [patterns, ['user.created']])
          const event = fixture.newEvent(webhooks, overrides)
          // No answer of its own to what was asked: another tenant's webhooks, and other changes of one's own, do not matter.
          await fixture.storage.updateWebhook(webhooks[0]?.id ?? '', tenantId, { name: 'renamed' })
          const { results, claimed, isStale } = await fixture.storage.enqueue([event], { ...options, ifMatched: known })
          assert.deepEqual(results, [{ id: event.id, status: 'accepted' }])
          assert.notEqual(isStale, true)
          if (way === 'leased at once') assert.ok(idsOf(event.deliveries).includes(claimed[0]?.id ?? ''))
        },
      ],
      ...Object.entries(changes).map(([change, apply]) => [
        `writes nothing of what is ${way} where ${change}`,
        async (fixture: Fixture) => {
          if (fixture.storage.capabilities.checksMatches !== true) return
          const webhook = await fixture.insertWebhook()
          const other = await fixture.insertWebhook({ events: ['user.*'] })
          // The one that does not hold stands behind one that does.
          const known = await answersNow(fixture, [['user.*'], patterns])
          await apply(fixture, webhook)
          const event = fixture.newEvent([webhook], overrides)
          const bystander = fixture.newEvent([other], overrides)
          const answer = await fixture.storage.enqueue([bystander, event], { ...options, ifMatched: known })
          assert.deepEqual(answer, { results: [], claimed: [], isStale: true })
          for (const { id } of [event, bystander]) assert.equal(await fixture.storage.getEvent(id, tenantId), null)
          const { data } = await fixture.storage.listDeliveries({ tenantId, limit: 10 })
          assert.deepEqual(data, [])
        },
      ]),
    ]),
  ),

  'takes up a webhook that was enabled again': async (fixture) => {
    const { storage } = fixture
    if (storage.capabilities.checksMatches !== true) return
    const webhook = await fixture.insertWebhook({ isActive: false })
    const ifMatched = await answersNow(fixture, [patterns])
    await storage.updateWebhook(webhook.id, tenantId, { isActive: true })
    const { isStale } = await storage.enqueue([fixture.newEvent([])], { ifMatched })
    assert.equal(isStale, true)
  },
}

async function answersNow({ storage }: Fixture, all: readonly (readonly string[])[]): Promise<KnownMatch[]> {
  const queries = all.map((each) => ({ tenantId, patterns: each }))
  const answers = await storage.matchWebhooks(queries)
  return queries.map((query, n) => ({ ...query, webhooks: answers[n] ?? [] }))
}
