import type { Clock } from '../domain/clock.ts'
import { isIdempotencyStore } from '../storage/idempotency-in-time.ts'
import type { IdempotencyStore } from '../storage/idempotency-store.ts'
import type { Authorize } from './authorize.ts'
import type { ApiDispatcher, ApiRegistry } from './operation.ts'
import { checkLimits, type CheckedLimits, type TenantLimits } from './tenant-limits.ts'

/** What the management API is made of. */
export interface WebhookApiOptions {
  /** The registry whose webhooks it manages. */
  readonly registry: ApiRegistry
  /** The dispatcher over the same registry: for tests, deliveries and resends. */
  readonly dispatcher: ApiDispatcher
  /**
   * The path in front of every route, as clients see it: `/api/v1` serves `/api/v1/webhooks`. It starts with a slash and is written
   * as it stands in a URL; a slash at its end is dropped. Empty unless given.
   */
  readonly basePath?: string
  /**
   * Decides whom a request is from. `'none'`, written out, serves everybody as the tenant `default`: for an API that is protected
   * by what stands in front of it.
   */
  readonly authorize: Authorize | 'none'
  /**
   * Signs the cursors of listings: at least 32 characters or bytes, the same in every process. Derived from the registry's keyring
   * unless given; where there is none, cursors are bound to tenant and filter, but not secret (a forged one shows nothing of another
   * tenant).
   */
  readonly cursorKey?: string | Uint8Array
  /**
   * Where the answers of requests with an `Idempotency-Key` are kept, sealed by the registry's encryption: `postgresIdempotency` of
   * `posthorn/postgres`, `sqliteIdempotency` of `posthorn/sqlite`, `redisIdempotency` of `posthorn/receiver`, or one of your own. With it, a repeat that
   * reaches another process gets the first answer too. In the memory of the process unless given.
   *
   * A store is for the APIs of one registry: give others another schema, file or prefix.
   */
  readonly idempotency?: IdempotencyStore
  /** How much a tenant may do; above it the answer is 429 with `Retry-After`. */
  readonly limits?: TenantLimits
  /** Tells the time that limits and idempotency keys go by; `Date.now` unless given. */
  readonly clock?: Clock
  /**
   * Told of every error that is answered with 500 or 503, because the answer says nothing of it, and where the answer of a request could not be
   * kept for its repeats. What it throws or rejects with is
   * printed and changes nothing. `console.error` unless given.
   */
  readonly onError?: (error: unknown, request: Request) => void | Promise<void>
}

/** The options, checked and filled in. */
export interface CheckedApiOptions extends Required<Omit<WebhookApiOptions, 'cursorKey' | 'idempotency' | 'limits'>> {
  readonly cursorKey: Uint8Array | null
  readonly idempotency: IdempotencyStore | null
  readonly limits: CheckedLimits
}

/** Checks the options; throws `TypeError` or `RangeError` that names the one that is wrong. */
export function checkApiOptions(options: WebhookApiOptions): CheckedApiOptions {
  const { registry, dispatcher, basePath = '', authorize, cursorKey, idempotency, limits, ...others } = options ?? {}
  const { clock = Date.now, onError = printError, ...unknown } = others
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) throw new TypeError(`createWebhookApi has no option ${JSON.stringify(stranger)}.`)
  assertMethods('registry', registry, ['create', 'get', 'list', 'count', 'update', 'replace', 'delete', 'rotateSecret'])
  assertMethods('dispatcher', dispatcher, ['test', 'resend', 'listDeliveries', 'getDelivery'])
  assertAuthorize(authorize)
  if (idempotency !== undefined && !isIdempotencyStore(idempotency)) throw new TypeError(noStore)
  if (typeof onError !== 'function') throw new TypeError(`onError must be a function, not ${typeof onError}.`)
  if (typeof clock !== 'function') throw new TypeError(`clock must be a function, not ${typeof clock}.`)
  return {
    registry,
    dispatcher,
    basePath: normalizedBasePath(basePath),
    authorize,
    cursorKey: cursorKey === undefined ? null : keyOf(cursorKey),
    idempotency: idempotency ?? null,
    limits: checkLimits(limits),
    clock,
    onError,
  }
}

const noStore =
  'idempotency must be a store with reserve, complete, release and claimLapsed, such as postgresIdempotency(pool): leave it out to keep answers in memory.'

function printError(error: unknown): void {
  console.error('Posthorn: a request of the management API failed.', error)
}

function assertMethods(name: string, owner: unknown, methods: readonly string[]): void {
  const isRight = typeof owner === 'object' && owner !== null && methods.every((method) => method in owner)
  if (!isRight) throw new TypeError(`createWebhookApi needs { ${name} } with the methods ${methods.join(', ')}.`)
}

function assertAuthorize(authorize: unknown): void {
  if (typeof authorize === 'function' || authorize === 'none') return
  throw new TypeError(
    'createWebhookApi needs { authorize }: pass a function (request) => ({ tenantId }) that answers null for whom it does not ' +
      'know, or write authorize: \'none\' to let everybody manage the webhooks of the tenant "default".',
  )
}

function keyOf(cursorKey: unknown): Uint8Array {
  const bytes = typeof cursorKey === 'string' ? new TextEncoder().encode(cursorKey) : cursorKey
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`cursorKey must be text or bytes, not ${typeof cursorKey}.`)
  if (bytes.length < 32) throw new RangeError(`cursorKey must have at least 32 bytes, not ${bytes.length}.`)
  return new Uint8Array(bytes)
}

function normalizedBasePath(basePath: unknown): string {
  if (typeof basePath !== 'string') throw new TypeError(`basePath must be a string, not ${typeof basePath}.`)
  const path = basePath.endsWith('/') ? basePath.slice(0, -1) : basePath
  if (path === '') return ''
  const isPath = path.startsWith('/') && !path.includes('//') && !path.endsWith('/')
  // Whatever URL would write otherwise (dots, spaces, a query) could never equal the path of a request.
  if (isPath && new URL(`http://localhost${path}`).pathname === path) return path
  throw new RangeError(`basePath must be a URL path like "/api/v1", not ${JSON.stringify(basePath)}.`)
}
