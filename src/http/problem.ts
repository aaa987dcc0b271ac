import type { Issue, PosthornErrorCode } from '../domain/error.ts'
import { safeHeaders } from './json-response.ts'

/**
 * The codes of the management API's problems: those of {@link PosthornError}, and what only HTTP knows.
 *
 * - `UNAUTHENTICATED` (401): `authorize` did not know the caller.
 * - `CROSS_SITE_REQUEST` (403): a browser says that a page of another site makes this request, which would change something.
 * - `METHOD_NOT_ALLOWED` (405): the path has no such method; see the `Allow` header.
 * - `MEDIA_TYPE_UNSUPPORTED` (415): the body is not declared as JSON, or is compressed.
 * - `BODY_MALFORMED` (400): the body is missing, cut off, not UTF-8, not JSON, or nested too deeply.
 * - `REQUEST_ABORTED` (400): the client gave up; only a caller in the same process ever sees it.
 * - `REQUEST_IN_FLIGHT` (409): another request under the same `Idempotency-Key` is being worked on; see the `Retry-After` header.
 * - `RATE_LIMITED` (429): the tenant does this too often; see the `Retry-After` header.
 * - `LIMIT_REACHED` (429): the tenant has as many webhooks as it may have.
 * - `INTERNAL_ERROR` (500): something failed that the caller cannot mend; the `onError` option was told.
 */
export type ProblemCode =
  | PosthornErrorCode
  | 'UNAUTHENTICATED'
  | 'CROSS_SITE_REQUEST'
  | 'METHOD_NOT_ALLOWED'
  | 'MEDIA_TYPE_UNSUPPORTED'
  | 'BODY_MALFORMED'
  | 'REQUEST_ABORTED'
  | 'REQUEST_IN_FLIGHT'
  | 'RATE_LIMITED'
  | 'LIMIT_REACHED'
  | 'INTERNAL_ERROR'

/** The body of every answer that is an error: `application/problem+json` (RFC 9457) with two members of ours. */
export interface Problem {
  /** Always `about:blank`: `code` says more than a URI would (RFC 9457, section 4.2.1). */
  readonly type: 'about:blank'
  /** The name of the status: `Not Found`. */
  readonly title: string
  /** The HTTP status, once more. */
  readonly status: number
  /** What happened and what to do. Never a secret, a body, or a URL with its query. */
  readonly detail: string
  /** The stable code to match on. */
  readonly code: ProblemCode
  /** Every problem found in body or query, with its path; empty where the problem is another. */
  readonly issues: readonly Issue[]
}

/** Makes the answer for a problem; its status follows from the code. */
export function problemResponse(
  code: ProblemCode,
  detail: string,
  issues: readonly Issue[] = [],
  headers: Readonly<Record<string, string>> = {},
): Response {
  const status = statusOf(code)
  const problem: Problem = { type: 'about:blank', title: titles[status] ?? 'Error', status, detail, code, issues }
  return new Response(JSON.stringify(problem), {
    status,
    headers: { 'content-type': 'application/problem+json; charset=utf-8', ...safeHeaders, ...headers },
  })
}

/** The status that a code is answered with: 500 for what a caller cannot cause. */
export function statusOf(code: ProblemCode): number {
  return statuses[code] ?? 500
}

const statuses: Partial<Record<ProblemCode, number>> = {
  BODY_MALFORMED: 400,
  REQUEST_ABORTED: 400,
  UNAUTHENTICATED: 401,
  CROSS_SITE_REQUEST: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  IDEMPOTENCY_CONFLICT: 409,
  REQUEST_IN_FLIGHT: 409,
  WEBHOOK_DISABLED: 409,
  PAYLOAD_GONE: 410,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  VALIDATION_FAILED: 422,
  INVALID_EVENT: 422,
  CURSOR_INVALID: 422,
  SECRET_INVALID: 422,
  RATE_LIMITED: 429,
  LIMIT_REACHED: 429,
  DISPATCHER_STOPPED: 503,
  ENCRYPTION_UNAVAILABLE: 503,
  STORAGE_UNAVAILABLE: 503,
}

// As RFC 9110 names them.
const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}
