import { PosthornError } from '../../domain/error.ts'
import type { EnqueueResult, NewEvent } from '../storage.ts'
import type { Connection } from './connection.ts'

// More than one for each key that is written, so that the expired ones die out.
const forgottenPerKey = 4

/** The answer for an event whose key is taken, or null. */
export function findKeyHolder(connection: Connection, event: NewEvent, now: number): EnqueueResult | null {
  if (event.idempotencyKey === undefined) return null
  const holder = connection.first<{ event_id: string; body_hash: string }>(
    'SELECT event_id, body_hash FROM posthorn_idempotency WHERE tenant_id = ? AND key = ? AND expires_at > ?',
    event.tenantId,
    event.idempotencyKey,
    now,
  )
  if (holder === undefined) return null
  return { id: holder.event_id, status: holder.body_hash === event.bodyHash ? 'duplicate' : 'conflict' }
}

/** Remembers the event's key, and forgets some that have expired. */
export function rememberKey(connection: Connection, event: NewEvent, now: number): void {
  const { idempotencyKey, bodyHash, idempotencyTtlMs } = event
  if (idempotencyKey === undefined) return
  if (bodyHash === undefined || idempotencyTtlMs === undefined) {
    throw new PosthornError(
      'VALIDATION_FAILED',
      `Event ${event.id} has an idempotencyKey; it needs a bodyHash and an idempotencyTtlMs too.`,
    )
  }
  forgetKeys(connection, now, forgottenPerKey)
  connection.run(
    `INSERT INTO posthorn_idempotency (tenant_id, key, event_id, body_hash, expires_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (tenant_id, key) DO UPDATE
     SET event_id = excluded.event_id, body_hash = excluded.body_hash, expires_at = excluded.expires_at`,
    event.tenantId,
    idempotencyKey,
    event.id,
    bodyHash,
    now + idempotencyTtlMs,
  )
}

/** Forgets up to `limit` keys that have expired. */
export function forgetKeys(connection: Connection, now: number, limit: number): void {
  connection.run(
    `DELETE FROM posthorn_idempotency WHERE (tenant_id, key) IN (
       SELECT tenant_id, key FROM posthorn_idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
     )`,
    now,
    limit,
  )
}
