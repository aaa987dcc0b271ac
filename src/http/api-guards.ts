import type { Clock } from '../domain/clock.ts'
import type { Encryption } from '../registry/encryption.ts'
import type { IdempotencyStore } from '../storage/idempotency-store.ts'
import type { Idempotency } from './idempotency.ts'
import { PageCursors } from './page-cursors.ts'
import { ProcessIdempotency } from './process-idempotency.ts'
import { StoredIdempotency } from './stored-idempotency.ts'
import { RateLimit, type CheckedLimits } from './tenant-limits.ts'
import { Turns } from './turns.ts'

/** What one management API remembers between requests. */
export interface ApiGuards {
  readonly cursors: PageCursors
  readonly maxWebhooks: number
  readonly maxInFlight: number
  /** Of tenants who create: counted and created at once, a burst would pass the limit. */
  readonly turns: Turns
  readonly creations: RateLimit
  readonly tests: RateLimit
  readonly resends: RateLimit
  readonly keyed: RateLimit
  readonly idempotency: Idempotency
}

/** What they are made of. */
export interface GuardSettings {
  readonly encryption: Encryption | 'none'
  readonly cursorKey: Uint8Array | null
  readonly idempotency: IdempotencyStore | null
  readonly limits: CheckedLimits
  readonly clock: Clock
}

/** Makes them once per API. */
export function createGuards({ encryption, cursorKey, idempotency, limits, clock }: GuardSettings): ApiGuards {
  return {
    cursors: new PageCursors(cursorKey === null ? derivedKeys(encryption) : [cursorKey]),
    maxWebhooks: limits.webhooks,
    maxInFlight: limits.maxInFlight,
    turns: new Turns(),
    creations: new RateLimit('tries to create a webhook', limits.creationsPerMinute, clock),
    tests: new RateLimit('test deliveries', limits.testsPerMinute, clock),
    resends: new RateLimit('deliveries sent again', limits.resendsPerMinute, clock),
    keyed: new RateLimit('requests with an idempotency key', limits.keyedPerMinute, clock),
    idempotency:
      idempotency === null ? new ProcessIdempotency(clock) : new StoredIdempotency({ store: idempotency, encryption }),
  }
}

// Where nothing is secret, a cursor is still bound to its tenant and filter, on every process alike. To make one by hand leads nowhere:
// every query names its tenant, whatever the cursor.
const publicKey = new TextEncoder().encode('posthorn cursors')

function derivedKeys(encryption: Encryption | 'none'): readonly Uint8Array[] {
  if (encryption === 'none') return [publicKey]
  if (encryption.deriveKeys === undefined) return [publicKey]
  const keys: unknown = encryption.deriveKeys('cursors')
  if (Array.isArray(keys) && keys.length > 0 && keys.every(isKey)) return keys
  // Without a key every list would end at its first page, and with a short one cursors could be made up.
  throw new TypeError('encryption.deriveKeys must answer at least one key, each of 32 bytes, the one to use first.')
}

function isKey(key: unknown): key is Uint8Array {
  return key instanceof Uint8Array && key.length === 32
}
