import { PosthornError } from '../domain/error.ts'
import type { VerifiedWebhook } from '../signing/verified-webhook.ts'
import type { Background } from './background.ts'
import type { FailureContext, Proof, ReceiveFlag, ReceiveResult } from './outcome.ts'
import type { ReceiverSettings } from './receiver-options.ts'

/** What is known so far of one request, and who is told of it. Listeners cannot change the answer, nor delay it. */
export class Report {
  /** What is going on. */
  during: FailureContext['during'] = 'verify'
  webhook: VerifiedWebhook | null = null
  type: string | null = null
  readonly flags = new Set<ReceiveFlag>()
  readonly #settings: ReceiverSettings
  readonly #background: Background
  #startedAt = performance.now()

  constructor(settings: ReceiverSettings, background: Background) {
    this.#settings = settings
    this.#background = background
  }

  /** The same facts, for a handler that starts now. */
  continued(): Report {
    const report = new Report(this.#settings, this.#background)
    report.during = 'handler'
    report.webhook = this.webhook
    report.type = this.type
    return report
  }

  /** Tells what became of the request. */
  outcome(result: ReceiveResult, status: number | null, error?: unknown): void {
    const { endpoint, onOutcome } = this.#settings
    const code = error instanceof PosthornError ? error.code : null
    const durationMs = performance.now() - this.#startedAt
    const known = { endpoint, type: this.type, eventId: this.#eventId(), proof: this.#proof(), flags: [...this.flags] }
    this.#tell(() => onOutcome({ result, status, code, ...known, durationMs }))
  }

  /** Tells of a request that was turned away. */
  rejection(error: PosthornError, status: number): void {
    this.#tell(() => this.#settings.onReject({ error, status, type: this.type, eventId: this.#eventId() }))
  }

  /** Tells of something that failed on this side. */
  error(error: unknown, during: FailureContext['during'] = this.during): void {
    this.#tell(() => this.#settings.onError(error, { during, type: this.type, eventId: this.#eventId() }))
  }

  #eventId(): string | null {
    return this.webhook?.eventId ?? null
  }

  #proof(): Proof | null {
    if (this.webhook === null) return null
    const { scheme, timestamp, keyId, keyIndex, covers, freshness } = this.webhook
    return { scheme, timestamp, keyId, keyIndex, covers, freshness }
  }

  #tell(call: () => unknown): void {
    const telling = async () => {
      try {
        await call()
      } catch (error) {
        console.error('Posthorn: a listener of createReceiver failed.', error)
      }
    }
    this.#background.add(telling())
  }
}

/** Tells the console of something that failed on this side and nobody else is told of. */
export function printError(error: unknown): void {
  console.error('Posthorn: receiving a webhook failed.', error)
}
