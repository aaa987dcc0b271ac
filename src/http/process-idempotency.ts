import type { Clock } from '../domain/clock.ts'
import { again, conflict, fingerprintOf, type Idempotency, keptAnswer, type KeyedRequest } from './idempotency.ts'
import { KeptAnswers } from './kept-answers.ts'

interface UnderWay {
  readonly fingerprint: string
  /** Resolves when it is over, however it ended. */
  readonly end: Promise<void>
}

/** Keeps answers in the memory of this process: with several, a balancer has to send a client's repeats to the same one. */
export class ProcessIdempotency implements Idempotency {
  readonly #kept: KeptAnswers
  readonly #underWay = new Map<string, UnderWay>()

  constructor(clock: Clock) {
    this.#kept = new KeptAnswers(clock)
  }

  async once(request: KeyedRequest, run: () => Promise<Response>): Promise<Response> {
    const { tenantId, key } = request
    const name = JSON.stringify([tenantId, key])
    const fingerprint = fingerprintOf(request)
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
      if (response.ok) this.#kept.keep({ tenantId, key, fingerprint, answer: await keptAnswer(response) })
      return response
    } finally {
      this.#underWay.delete(name)
      finish()
    }
  }
}

function endLater() {
  let finish: (() => void) | undefined
  const end = new Promise<void>((resolve) => (finish = resolve))
  return { end, finish: () => finish?.() }
}
