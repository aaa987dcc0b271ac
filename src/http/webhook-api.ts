import { createGuards, type ApiGuards } from './api-guards.ts'
import { checkApiOptions, type CheckedApiOptions, type WebhookApiOptions } from './api-options.ts'
import { callerOf, type Caller } from './authorize.ts'
import { errorResponse, internalErrorResponse, notFoundResponse } from './error-response.ts'
import { idempotencyKeyOf } from './idempotency.ts'
import { emptyResponse } from './json-response.ts'
import { problemResponse } from './problem.ts'
import { readJson } from './read-json.ts'
import { allowedMethods, findRoute } from './routes.ts'

/** The management API: answers a request of the Fetch standard. It rejects only where it was not given one. */
export type WebhookApi = (request: Request) => Promise<Response>

/**
 * Makes the management API: one fetch handler, for every framework that speaks `Request` and `Response`; {@link toNodeListener}
 * mounts it on the others.
 *
 * | route | answer |
 * |---|---|
 * | `POST /webhooks` | 201 with `Location`; the one time that the secret is shown |
 * | `GET /webhooks?limit&cursor&isActive` | 200 `{ data, nextCursor }`, newest first, 50 unless `limit` (1 to 100) says otherwise |
 * | `GET /webhooks/{id}` | 200 |
 * | `PUT /webhooks/{id}` | 200; sets every field, what is left out returns to its default |
 * | `PATCH /webhooks/{id}` | 200; sets the fields given |
 * | `DELETE /webhooks/{id}` | 204 |
 * | `POST /webhooks/{id}/test` | 200 `{ eventId, deliveryId, state, attempt }`, whatever the receiver answered |
 * | `POST /webhooks/{id}/rotate-secret` | 200 with the new secret; body optional: `{ secret, overlapMs }` |
 * | `GET /webhooks/{id}/deliveries?state&type&limit&cursor` | 200 `{ data, nextCursor }`, newest first; of a deleted webhook too |
 * | `GET /deliveries/{id}` | 200 with `attempts` |
 * | `POST /deliveries/{id}/resend` | 202 with the delivery, pending again |
 * | `GET /event-types` | 200 `{ data: [{ type }] }`; empty where the registry has no catalogue and takes any type |
 *
 * `HEAD` answers as `GET` without the body, `OPTIONS` with `Allow`. Errors are {@link Problem | problems}
 * (`application/problem+json`, RFC 9457): 400 malformed body, 401, 403 (`CROSS_SITE_REQUEST`, see
 * {@link Authorize}), 404, 405 with `Allow`, 409 (`CONFLICT`, `WEBHOOK_DISABLED`),
 * 410 (`PAYLOAD_GONE`), 413 above 64 KiB, 415, 422 with every issue and its path (of body and query; unknown fields and parameters
 * too), 429 with `Retry-After` (`RATE_LIMITED`, `LIMIT_REACHED`), 500, 503. A malformed id, a missing one and one of another tenant are answered with the same bytes.
 *
 * A `POST` with an `Idempotency-Key` (1 to 255 printable characters) that succeeded is answered the same way, with
 * `Idempotent-Replayed: true`, when it is repeated within 24 hours: on the same process, or on any that shares the `idempotency` store. Another
 * request under that key gets 409 (`IDEMPOTENCY_CONFLICT`), and so does a repeat while a first one is still under way elsewhere
 * (`REQUEST_IN_FLIGHT`, with `Retry-After`).
 *
 * @example
 * const api = createWebhookApi({
 *   registry,
 *   dispatcher,
 *   basePath: '/api/v1',
 *   authorize: async (request) => {
 *     const user = await userOf(request.headers.get('authorization'))
 *     return user && { tenantId: user.organisationId, createdBy: user.email }
 *   },
 * })
 * app.all('/api/v1/*', (c) => api(c.req.raw)) // Hono
 *
 * @throws {TypeError} where an option is missing, unknown or of the wrong type: without `authorize`, it says what to write.
 * @throws {RangeError} where `basePath` is not a URL path.
 */
export function createWebhookApi(options: WebhookApiOptions): WebhookApi {
  const checked = checkApiOptions(options)
  const guards = createGuards({ ...checked, encryption: checked.registry.encryption ?? 'none' })
  return async (request) => {
    assertRequest(request)
    const response = await answer(request, checked, guards)
    return request.method === 'HEAD' ? new Response(null, response) : response
  }
}

// `app.use(createWebhookApi(…))` in a Node framework is an easy mistake to make.
function assertRequest(request: unknown): void {
  const isRequest = typeof request === 'object' && request !== null && 'signal' in request && 'headers' in request
  if (isRequest && typeof (request.headers as Partial<Headers> | null)?.get === 'function') return
  throw new TypeError(
    'The webhook API takes a Request of the Fetch standard: in Node frameworks, mount toNodeListener(api).',
  )
}

async function answer(request: Request, options: CheckedApiOptions, guards: ApiGuards): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  const match = findRoute(pathname, options.basePath)
  if (match === null) return notFoundResponse()
  const allow = allowedMethods(match.route)
  if (request.method === 'OPTIONS') return emptyResponse({ allow })
  const operation = match.route.operations.get(request.method === 'HEAD' ? 'GET' : request.method)
  if (operation === undefined) {
    return problemResponse('METHOD_NOT_ALLOWED', `This path takes ${allow}.`, [], { allow })
  }
  if (isCrossSiteChange(request)) {
    return problemResponse(
      'CROSS_SITE_REQUEST',
      'Pages of another site may not change anything here: use one of this site.',
    )
  }
  const caller = await authorized(request, options)
  if (caller instanceof Response) return caller
  if (match.id === null) return notFoundResponse()
  try {
    const body = operation.body === 'none' ? { value: undefined } : await readJson(request, operation.body)
    if (body instanceof Response) return body
    const call = {
      registry: options.registry,
      dispatcher: options.dispatcher,
      basePath: options.basePath,
      guards,
      tenantId: caller.tenantId,
      createdBy: caller.createdBy,
      id: match.id,
      query: searchParams,
      body: body.value,
      signal: request.signal,
    }
    const key = request.method === 'POST' ? idempotencyKeyOf(request) : null
    if (key === null) return await operation.run(call)
    const tooOften = guards.keyed.take(caller.tenantId)
    if (tooOften !== null) return tooOften
    const keyed = {
      tenantId: caller.tenantId,
      key,
      asked: [pathname, [...searchParams], body.value],
      signal: request.signal,
      onUnkept: (error: unknown) => void report(error, request, options),
    }
    return await guards.idempotency.once(keyed, () => operation.run(call))
  } catch (error) {
    if (isAbort(error, request.signal)) return problemResponse('REQUEST_ABORTED', 'The request was given up.')
    return errorResponse(error) ?? failed(error, request, options)
  }
}

// Only browsers send this header (Fetch Metadata), and no page can alter it. A `POST` without a body needs no preflight, so that any
// page could rotate a secret with the cookies of who looks at it.
function isCrossSiteChange(request: Request): boolean {
  return !['GET', 'HEAD'].includes(request.method) && request.headers.get('sec-fetch-site') === 'cross-site'
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'))
}

async function authorized(request: Request, options: CheckedApiOptions): Promise<Caller | Response> {
  try {
    const caller = await callerOf(request, options.authorize)
    return (
      caller ?? problemResponse('UNAUTHENTICATED', 'The request names no caller that is known here: authenticate it.')
    )
  } catch (error) {
    return failed(error, request, options)
  }
}

function failed(error: unknown, request: Request, options: CheckedApiOptions): Response {
  void report(error, request, options)
  return internalErrorResponse(error)
}

async function report(error: unknown, request: Request, options: CheckedApiOptions): Promise<void> {
  try {
    await options.onError(error, request)
  } catch (failure) {
    console.error('Posthorn: the onError option of createWebhookApi failed.', failure)
  }
}
