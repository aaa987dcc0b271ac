import type { Claimed, NewEvent, StoredWebhook } from './storage.ts'

/** What a delivery is claimed as that was leased when it was written, at `nowMs` in milliseconds since 1970. */
export function firstClaim(id: string, lease: string, event: NewEvent, webhook: StoredWebhook, nowMs: number): Claimed {
  const { id: eventId, tenantId, type, body, contentType, idempotencyKey = null } = event
  return {
    id,
    lease,
    attemptCount: 0,
    attemptsBefore: 0,
    claimCount: 1,
    trigger: 'auto',
    event: { id: eventId, tenantId, type, body, contentType, idempotencyKey, createdAt: new Date(nowMs) },
    webhook,
  }
}
