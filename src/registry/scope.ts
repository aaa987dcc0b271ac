import { PosthornError } from '../domain/error.ts'
import { defaultTenantId } from '../domain/webhook.ts'
import type { TransactionOptions } from '../storage/query.ts'
import type { Storage } from '../storage/storage.ts'
import { maxTenantIdLength } from './webhook-input.ts'

/** Checks a tenant's id and fills in the default. */
export function assertTenantId(tenantId: unknown): string {
  if (tenantId === undefined) return defaultTenantId
  if (typeof tenantId === 'string' && tenantId !== '' && tenantId.length <= maxTenantIdLength) return tenantId
  throw invalid('tenantId', `must be a string of 1 to ${maxTenantIdLength} characters`)
}

/** Checks how many rows a page is to have and fills in the default. */
export function pageLimit(limit: unknown): number {
  if (limit === undefined) return 50
  if (typeof limit === 'number' && Number.isInteger(limit) && limit >= 1 && limit <= 100) return limit
  throw invalid('limit', 'must be an integer from 1 to 100')
}

/** Checks that a storage can join the caller's transaction, where one is given. */
export function transaction(storage: Storage, tx: unknown): TransactionOptions {
  if (tx === undefined) return {}
  if (storage.capabilities.transactions === 'caller') return { tx }
  const message = `The ${storage.name} storage cannot join a transaction: leave tx out, or use a storage that can.`
  throw new PosthornError('TRANSACTIONS_UNSUPPORTED', message)
}

/** Makes the error for one option that does not fit. */
export function invalid(path: string, message: string): PosthornError {
  return new PosthornError('VALIDATION_FAILED', `${path} ${message}.`, { issues: [{ path, message }] })
}
