import { createHash } from 'node:crypto'
import type { Clock } from '../domain/clock.ts'
import { PosthornError } from '../domain/error.ts'
import { KeptAnswers, type KeptAnswer } from './kept-answers.ts'

/** One request that carries an idempotency key. */
export interface KeyedRequest {
  readonly tenantId: string
  readonly key: string
  /** What the request asks for; another one under the same key is a conflict. */
  readonly asked: unknown
}

interface UnderWay {
  readonly fingerprint: string
  /** Resolves when it is over, however it ended. */
  readonly end: Promise<void>
}

/**
 * Gives the answer of the first request under a key again, instead of doing the same twice. Only what succeeded is kept: a request that
 * failed changed nothing and may be repeated. It is kept in the memory of this process, so a balancer has to send a client's
 * repeats to the same one.
 */
export class Idempotency {
  readonly #kept: KeptAnswers
  readonly #underWay = new Map<string, UnderWay>()

  constructor(clock: Clock) {
    this.#kept = new KeptAnswers(clock)
  }

  /** Runs the request, or waits for one under the same key. Throws `IDEMPOTENCY_CONFLICT`, and what `run` throws. */
  async once(request: KeyedRequest, run: () => Promise<Response>): Promise<Response> {
    const { tenantId, key, asked } = request
    const name = JSON.stringify([tenantId, key])
    const fingerprint = createHash('sha256').update(JSON.stringify(asked)).digest('base64')
    for (;;) {
      const kept = this.#kept.find(tenantId, key)
      const underWay = this.#underWay.get(name)
      const other = kept ?? underWay
      if (other !== undefined && other.fingerprint !== fingerprint) throw conflict()
      if (kept !== null) return again(kept.answer)
      if (underWay === undefined) break
      // Where that one fails, it is this one's turn, or that of another that waits.
      await underWay.end
    }
    const { end, finish } = endLater()
    this.#underWay.set(name, { fingerprint, end })
    try {
      const response = await run()
      if (response.ok) this.#kept.keep({ tenantId, key, fingerprint, answer: await keptAnswer(response.clone()) })
      return response
    } finally {
      this.#underWay.delete(name)
      finish()
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

function endLater() {
  let finish: (() => void) | undefined
  const end = new Promise<void>((resolve) => (finish = resolve))
  return { end, finish: () => finish?.() }
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
