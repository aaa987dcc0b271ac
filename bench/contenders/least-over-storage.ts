import { WebhookRegistry } from 'posthorn'
import { loopback } from '../harness/loopback.ts'
import { openStorage } from '../harness/storages.ts'
import type { LeastEvent, LeastOutcome, LeastStore } from './least-store.ts'
import { eventType } from './payload.ts'

const tenantId = 'default'
const leaseMs = 60_000

/** A storage of Posthorn's with nothing of Posthorn above it: what its tables, leases, lanes and fences cost a sender that does nothing else. */
export async function openLeastOverStorage(name: string): Promise<LeastStore> {
  const { storage, remove } = await openStorage(name)
  const registry = new WebhookRegistry({ storage, ...loopback })
  const webhook = await registry.create({
    name: 'bench',
    url: 'http://127.0.0.1/hook',
    events: [eventType],
    maxInFlight: 1000,
  })
  const leases = new Map<string, string>()
  return {
    async write(events: readonly LeastEvent[]) {
      const written = events.map(({ id, deliveryId, body }) => {
        const deliveries = [{ id: deliveryId, webhookId: webhook.id }]
        return { id, tenantId, type: eventType, body, contentType: 'application/json', deliveries }
      })
      const { claimed } = await storage.enqueue(written, { claimFor: { limit: events.length, leaseMs } })
      if (claimed.length !== events.length) throw new Error(`${claimed.length} of ${events.length} were leased.`)
      for (const { id, lease } of claimed) leases.set(id, lease)
    },
    async record(outcomes: readonly LeastOutcome[]) {
      const settlements = outcomes.map(({ deliveryId, startedAt, durationMs }) => ({
        id: deliveryId,
        lease: leases.get(deliveryId) ?? '',
        outcome: 'succeeded' as const,
        attempt: {
          number: 1,
          trigger: 'auto' as const,
          startedAt: new Date(startedAt),
          durationMs,
          status: 204,
          error: null,
          responseHeaders: {},
          responseBody: '',
        },
      }))
      const settled = await storage.settle(settlements)
      if (settled.length !== outcomes.length) throw new Error(`${settled.length} of ${outcomes.length} were settled.`)
      for (const { deliveryId } of outcomes) leases.delete(deliveryId)
    },
    remove,
  }
}
