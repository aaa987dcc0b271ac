import { createHash } from 'node:crypto'
import type { Clock } from '../domain/clock.ts'
import { PosthornError } from '../domain/error.ts'

/** One request that carries an idempotency key. */
export interface KeyedRequest {
  readonly tenantId: string
  readonly key: string
  /** What the request asks for; another one under the same key is a conflict. */
  readonly asked: unknown
}

interface Kept {
  readonly fingerprint: string
  readonly atMs: number
  /** Resolves with null where nothing is to be given again. */
  readonly answer: Promise<KeptAnswer | null>
}

interface KeptAnswer {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

/** How long an answer is given again: as long as a dispatcher remembers a key, unless told otherwise. */
const ttlMs = 86_400_000
const maxKept = 10_000

/**
 * Gives the answer of the first request under a key again, instead of doing the same twice. Only what succeeded is kept: a request that
 * failed changed nothing and may be repeated. It is kept in the memory of this process, so a balancer has to send a client's
 * repeats to the same one.
 */
export class Idempotency {
  readonly #clock: Clock
  readonly #kept = new Map<string, Kept>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs the request, or waits for one under the same key. Throws `IDEMPOTENCY_CONFLICT`, and what `run` throws. */
  async once({ tenantId, key, asked }: KeyedRequest, run: () => Promise<Response>): Promise<Response> {
    const name = JSON.stringify([tenantId, key])
    const fingerprint = createHash('sha256').update(JSON.stringify(asked)).digest('base64')
    for (;;) {
      const kept = this.#find(name)
      if (kept === null) return await this.#run(name, fingerprint, run)
      if (kept.fingerprint !== fingerprint) throw conflict()
      const answer = await kept.answer
      if (answer !== null) return again(answer)
      // The one before failed: it is this one's turn, or that of another that waits.
    }
  }

  #find(name: string): Kept | null {
    const kept = this.#kept.get(name)
    return kept !== undefined && this.#clock() - kept.atMs < ttlMs ? kept : null
  }

  async #run(name: string, fingerprint: string, run: () => Promise<Response>): Promise<Response> {
    const { promise, keep } = keptLater()
    const kept = { fingerprint, atMs: this.#clock(), answer: promise }
    this.#kept.delete(name)
    if (this.#kept.size >= maxKept) this.#kept.delete(this.#kept.keys().next().value ?? '')
    this.#kept.set(name, kept)
    let answer: KeptAnswer | null = null
    try {
      const response = await run()
      if (response.ok) answer = await keptAnswer(response.clone())
      return response
    } finally {
      if (answer === null && this.#kept.get(name) === kept) this.#kept.delete(name)
      keep(answer)
    }
  }
}

/** Reads the key of a request, null where there is none. Throws `VALIDATION_FAILED` where it does not fit. */
export function idempotencyKeyOf(request: Request): string | null {
  const key = request.headers.get('idempotency-key')
  if (key === null || /^[\x20-\x7e]{1,255}$/.test(key)) return key
  const issues = [{ path: 'idempotency-key', message: 'must be 1 to 255 printable ASCII characters' }]
  throw new PosthornError('VALIDATION_FAILED', `The header Idempotency-Key ${issues[0]?.message}.`, { issues })
}

function keptLater() {
  let keep: ((answer: KeptAnswer | null) => void) | undefined
  const promise = new Promise<KeptAnswer | null>((resolve) => (keep = resolve))
  return { promise, keep: (answer: KeptAnswer | null) => keep?.(answer) }
}

async function keptAnswer(response: Response): Promise<KeptAnswer> {
  return { status: response.status, headers: [...response.headers], body: await response.text() }
}

function again({ status, headers, body }: KeptAnswer): Response {
  const copy = headers.map(([name, value]): [string, string] => [name, value])
  return new Response(body === '' ? null : body, { status, headers: [...copy, ['idempotent-replayed', 'true']] })
}

function conflict(): PosthornError {
  return new PosthornError(
    'IDEMPOTENCY_CONFLICT',
    'The idempotency key was used before for another request: use a new key for a new request.',
  )
}
