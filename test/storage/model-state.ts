import { expect } from 'vitest'
import type { DeliveryState } from '../../src/domain/delivery.ts'
import type { Claimed, Storage } from '../../src/storage/storage.ts'

/** What a right storage would hold: written for obviousness, not for speed. */
export interface Model {
  nowMs: number
  readonly webhooks: ModelWebhook[]
  readonly deliveries: ModelDelivery[]
}

export interface ModelWebhook {
  readonly id: string
  readonly maxInFlight: number
  isActive: boolean
  isDeleted: boolean
  gateUntilMs: number
}

export interface ModelDelivery {
  readonly id: string
  readonly webhook: ModelWebhook
  state: DeliveryState
  reason: string | null
  /** When it is due while nobody holds it; when its lease runs out while somebody does. */
  atMs: number
  lease: string | null
  attemptCount: number
  attemptsBefore: number
  trigger: 'auto' | 'manual'
}

/** The storage, and what the workers in front of it remember. */
export interface Real {
  readonly storage: Storage
  readonly newId: () => string
  readonly advance: (ms: number) => void
  /** Every hold that was ever given out and not lost in a crash: most are stale. */
  holds: Claimed[]
}

export const tenantId = 'acme'

export function isHeld(model: Model, delivery: ModelDelivery): boolean {
  return delivery.lease !== null && delivery.atMs > model.nowMs
}

export function isDue(model: Model, delivery: ModelDelivery): boolean {
  return delivery.state === 'pending' && delivery.atMs <= model.nowMs
}

export function isDoomed(webhook: ModelWebhook): boolean {
  return webhook.isDeleted || !webhook.isActive
}

export function heldCount(model: Model, webhook: ModelWebhook): number {
  return model.deliveries.filter((delivery) => delivery.webhook === webhook && isHeld(model, delivery)).length
}

/** Says whether a claim may give the delivery out now. */
export function isClaimable(model: Model, delivery: ModelDelivery): boolean {
  const { webhook } = delivery
  if (!isDue(model, delivery) || isDoomed(webhook) || webhook.gateUntilMs > model.nowMs) return false
  return heldCount(model, webhook) < webhook.maxInFlight
}

/** Holds after every command: nothing lost, nothing doubled, nothing held beyond its cap, every attempt recorded once. */
export async function assertSame(model: Model, { storage }: Real): Promise<void> {
  for (const delivery of model.deliveries) {
    const stored = await storage.getDelivery(delivery.id, tenantId)
    const held = isHeld(model, delivery)
    expect(stored, `delivery ${delivery.id}`).toMatchObject({
      state: delivery.state,
      reason: delivery.reason,
      attemptCount: delivery.attemptCount,
      isLeased: held,
    })
    expect(stored?.dueAt === null).toBe(delivery.state !== 'pending' || held)
    expect(stored?.finishedAt === null).toBe(delivery.state === 'pending')
    const attempts = await storage.listAttempts({ tenantId, deliveryId: delivery.id, limit: 1_000 })
    const numbers = Array.from({ length: delivery.attemptCount }, (_, index) => index + 1)
    expect(attempts.data.map((attempt) => attempt.number)).toEqual(numbers)
  }
  for (const webhook of model.webhooks) expect(heldCount(model, webhook)).toBeLessThanOrEqual(webhook.maxInFlight)
  const { data } = await storage.listDeliveries({ tenantId, limit: 1_000, order: 'asc' })
  expect(data.map(({ id }) => id)).toEqual(model.deliveries.map(({ id }) => id))
}

/** The first instant at which a claim could give something out that it cannot now, or null. */
export function nextInstantMs(model: Model): number | null {
  const instants = model.deliveries
    .filter((delivery) => delivery.state === 'pending')
    .filter((delivery) => isHeld(model, delivery) || heldCount(model, delivery.webhook) < delivery.webhook.maxInFlight)
    .map((delivery) =>
      isHeld(model, delivery) || isDoomed(delivery.webhook)
        ? delivery.atMs
        : Math.max(delivery.atMs, delivery.webhook.gateUntilMs),
    )
  return instants.length === 0 ? null : Math.min(...instants)
}
