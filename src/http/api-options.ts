import type { Authorize } from './authorize.ts'
import type { ApiDispatcher, ApiRegistry } from './operation.ts'

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
   * Told of every error that is answered with 500 or 503, because the answer says nothing of it. What it throws or rejects with is
   * printed and changes nothing. `console.error` unless given.
   */
  readonly onError?: (error: unknown, request: Request) => void | Promise<void>
}

/** The options, checked and filled in. */
export type CheckedApiOptions = Required<WebhookApiOptions>

/** Checks the options; throws `TypeError` or `RangeError` that names the one that is wrong. */
export function checkApiOptions(options: WebhookApiOptions): CheckedApiOptions {
  const { registry, dispatcher, basePath = '', authorize, onError = printError, ...unknown } = options ?? {}
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) throw new TypeError(`createWebhookApi has no option ${JSON.stringify(stranger)}.`)
  assertMethods('registry', registry, ['create', 'get', 'list', 'update', 'replace', 'delete', 'rotateSecret'])
  assertMethods('dispatcher', dispatcher, ['test', 'resend', 'listDeliveries', 'getDelivery'])
  assertAuthorize(authorize)
  if (typeof onError !== 'function') throw new TypeError(`onError must be a function, not ${typeof onError}.`)
  return { registry, dispatcher, basePath: normalizedBasePath(basePath), authorize, onError }
}

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

function normalizedBasePath(basePath: unknown): string {
  if (typeof basePath !== 'string') throw new TypeError(`basePath must be a string, not ${typeof basePath}.`)
  const path = basePath.endsWith('/') ? basePath.slice(0, -1) : basePath
  if (path === '') return ''
  const isPath = path.startsWith('/') && !path.includes('//') && !path.endsWith('/')
  // Whatever URL would write otherwise (dots, spaces, a query) could never equal the path of a request.
  if (isPath && new URL(`http://localhost${path}`).pathname === path) return path
  throw new RangeError(`basePath must be a URL path like "/api/v1", not ${JSON.stringify(basePath)}.`)
}
