import { createHash } from 'node:crypto'
import { PosthornError } from '../domain/error.ts'

/** One request that carries an idempotency key. */
export interface KeyedRequest {
  readonly tenantId: string
  readonly key: string
  /** What the request asks for; another one under the same key is a conflict. */
  readonly asked: unknown
  /** Ends waiting for another request under the key. */
  readonly signal: AbortSignal
  /** Told of an error that changes nothing for who asked: the request was made, and its answer could not be kept. */
  readonly onUnkept: (error: unknown) => void
}

/** An answer as it is given again. */
export interface KeptAnswer {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

/**
 * Gives the answer of the first request under a key again, instead of doing the same twice. Only what succeeded is kept: a request that
 * failed changed nothing and may be repeated.
 */
export interface Idempotency {
  /** Runs the request, or waits for one under the same key. Throws `IDEMPOTENCY_CONFLICT`, and what `run` throws. */
  once(request: KeyedRequest, run: () => Promise<Response>): Promise<Response>
}

/** How long an answer is given again, in milliseconds: as long as a dispatcher remembers a key, unless told otherwise. */
export const answersKeptMs = 86_400_000

/**
 * Digests what a request asks for. Keyed with what the client made up, so that a digest in a database is nothing to guess a short secret
 * of the body by.
 */
export function fingerprintOf({ tenantId, key, asked }: Pick<KeyedRequest, 'tenantId' | 'key' | 'asked'>): string {
  return createHash('sha256')
    .update(JSON.stringify([tenantId, key, asked]))
    .digest('base64url')
}

/** Reads the key of a request, null where there is none. Throws `VALIDATION_FAILED` where it does not fit. */
export function idempotencyKeyOf(request: Request): string | null {
  const key = request.headers.get('idempotency-key')
  if (key === null || /^[\x20-\x7e]{1,255}$/.test(key)) return key
  const issues = [{ path: 'idempotency-key', message: 'must be 1 to 255 printable ASCII characters' }]
  throw new PosthornError('VALIDATION_FAILED', `The header Idempotency-Key ${issues[0]?.message}.`, { issues })
}

/** Copies an answer, to be given again. */
export async function keptAnswer(response: Response): Promise<KeptAnswer> {
  return { status: response.status, headers: [...response.headers], body: await response.clone().text() }
}

/** Makes the answer to a repeat. */
export function again({ status, headers, body }: KeptAnswer): Response {
  const copy = headers.map(([name, value]): [string, string] => [name, value])
  return new Response(body === '' ? null : body, { status, headers: [...copy, ['idempotent-replayed', 'true']] })
}

/** Makes the error for another request under a key. */
export function conflict(): PosthornError {
  return new PosthornError(
    'IDEMPOTENCY_CONFLICT',
    'The idempotency key was used before for another request: use a new key for a new request.',
  )
}
