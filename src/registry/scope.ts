import { PosthornError } from '../domain/error.ts'
import { isStorable } from '../domain/text.ts'
import { defaultTenantId } from '../domain/webhook.ts'
import type { TransactionOptions } from '../storage/query.ts'
import type { Storage } from '../storage/storage.ts'
import { maxTenantIdLength } from './webhook-input.ts'

/** Which tenant an operation is for. */
export interface TenantScope {
  /** 1 to 128 characters; `default` unless given. A webhook of another tenant answers exactly as a missing one. */
  readonly tenantId?: string
}

/** Refuses options that do not exist: a misspelt `tenantId` would mean the default tenant. */
export function assertKnown(options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw invalid('', 'options must be an object')
  if (Object.keys(options).every((name) => known.includes(name))) return
  const issues = Object.keys(options)
    .filter((name) => !known.includes(name))
    .map((name) => ({ path: name, message: `is not a known option: use ${known.join(', ')}` }))
  const names = issues.map(({ path }) => path).join(', ')
  throw new PosthornError('VALIDATION_FAILED', `Unknown option ${names}: use ${known.join(', ')}.`, { issues })
}

/** Checks a tenant's id and fills in the default. */
export function assertTenantId(tenantId: unknown): string {
  if (tenantId === undefined) return defaultTenantId
  const isFitting = typeof tenantId === 'string' && tenantId !== '' && tenantId.length <= maxTenantIdLength
  if (isFitting && isStorable(tenantId)) return tenantId
  throw invalid('tenantId', `must be a string of 1 to ${maxTenantIdLength} characters, without NUL and lone surrogates`)
}

/** Checks the scope of a call that takes nothing else, and fills in the default tenant. */
export function tenantOf(scope: TenantScope): string {
  assertKnown(scope, ['tenantId'])
  return assertTenantId(scope.tenantId)
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
  return new PosthornError('VALIDATION_FAILED', `${path} ${message}.`.trimStart(), { issues: [{ path, message }] })
}
