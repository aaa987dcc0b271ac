import type { EventSchemas } from '../domain/catalogue.ts'
import { PosthornError } from '../domain/error.ts'
import type { VerifiedWebhook } from '../signing/verified-webhook.ts'
import { Background } from './background.ts'
import { readRecord } from './event-record.ts'
import { parseEvent, type RoutedEvent, validateEvent } from './receive-event.ts'
import type { ReceiverOptions, ReceiverSettings } from './receiver-options.ts'
import { receiverSettings } from './receiver-settings.ts'
import { errorResponse, handshakeResponse, okResponse, statusOf } from './reply.ts'
import { Report } from './report.ts'
import { type Hold, Reservations } from './reservations.ts'
import { verifyRequest } from './verify-request.ts'

/** Receives webhooks: made by {@link createReceiver}. */
export interface Receiver {
  /**
   * Answers one request; it rejects only where it was not given one. This is the handler wherever `Request` and `Response` are spoken: Next.js, Hono, SvelteKit,
   * Remix, Bun, Deno, Workers. Nothing may have read the body before. It is bound, so `export const POST = receiver.fetch` will do.
   */
  readonly fetch: (request: Request, context?: ReceiveContext | object) => Promise<Response>
  /**
   * Works on the stored events whose handler failed or whose process died (`acknowledge: 'after-store'`), one after another, each
   * once. Call it when the process starts and every minute or so; any number of processes may do so at the same time.
   *
   * @throws PosthornError `STORAGE_UNAVAILABLE` or `STORAGE_FAILED` where the store fails; the reason of the signal where it is aborted.
   */
  recover(options?: RecoverOptions): Promise<RecoverResult>
  /** Resolves when no handler and no listener is running any more: before a server process ends, after its server was closed. */
  idle(): Promise<void>
}

/** What may come with a request. Anything else that a framework passes there is left alone. */
export interface ReceiveContext {
  /** Keeps the process alive until a promise is settled, as Workers, Vercel and Deno Deploy have it. */
  waitUntil(promise: Promise<unknown>): void
}

/** Options of {@link Receiver.recover}. */
export interface RecoverOptions {
  /** How many events at most; 100 unless given. */
  readonly limit?: number
  /** Stops before the next event. */
  readonly signal?: AbortSignal
}

/** How {@link Receiver.recover} went. */
export interface RecoverResult {
  /** How many events were worked on to the end. */
  readonly processed: number
  /** How many failed again; they wait for the next call, and `onError` heard of each. */
  readonly failed: number
}

/**
 * Makes a receiver: it verifies a request, reads the event in it, checks its data, makes sure that nobody has worked on it, and only then
 * runs the handler of its type. No step can be skipped or come in another order, and the sender is told nothing but a status:
 *
 * | status | when |
 * |---|---|
 * | 200 | worked on, stored, a duplicate, a type without a handler; or the answer of a handshake, or the `Response` of a handler |
 * | 400 | the signature is right, the body is not what it should be, or broke off |
 * | 401 | not proven: header missing or malformed, too old, no signature fits |
 * | 409 | the same event is being worked on; with `Retry-After` |
 * | 413 | over the verifier's `maxBodyBytes`; the rest is not read |
 * | 422 | the data does not fit its schema (200 with `invalidData: 'acknowledge'`) |
 * | 500 | a handler failed, or the app is set up wrongly (`onError` says how) |
 * | 503 | the store or the sender's keys cannot be reached; with `Retry-After` |
 *
 * @example
 * const receiver = createReceiver({
 *   verifier: new Verifier({ secret: process.env.WEBHOOK_SECRET }),
 *   events,
 *   on: { 'execution.completed': async ({ data }) => await complete(data.executionId) },
 *   idempotency: sqliteIdempotency('webhooks.db'),
 * })
 * export const POST = receiver.fetch // Next.js; Express: app.post('/webhooks', toExpressHandler(receiver))
 *
 * @throws TypeError or RangeError for a wrong option.
 */
export function createReceiver<const Schemas extends EventSchemas = EventSchemas>(
  options: ReceiverOptions<Schemas>,
): Receiver {
  return new WebhookReceiver(receiverSettings(options))
}

class WebhookReceiver implements Receiver {
  readonly #settings: ReceiverSettings
  readonly #reservations: Reservations
  readonly #background = new Background()

  constructor(settings: ReceiverSettings) {
    this.#settings = settings
    this.#reservations = new Reservations(settings)
  }

  readonly fetch = async (request: Request, context?: ReceiveContext | object): Promise<Response> => {
    assertRequest(request)
    const report = new Report(this.#settings, this.#background)
    try {
      return await this.#receive(request, context, report)
    } catch (error) {
      return this.#refuse(error, report)
    }
  }

  async recover({ limit = 100, signal }: RecoverOptions = {}): Promise<RecoverResult> {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError('recover: limit must be a whole number from 1.')
    const counts = { processed: 0, failed: 0 }
    // What fails is given back at the end: it would be the next to be taken.
    const failed = new Map<string, Hold>()
    try {
      while (counts.processed + counts.failed < limit) {
        signal?.throwIfAborted()
        const taken = await this.#reservations.takeLapsed()
        if (taken === null) break
        const { event, hold } = taken
        const isSeen = failed.has(event.id) // its lease has run out since
        failed.set(event.id, hold)
        if (isSeen) break
        const result = await this.#workOnRecord(event.record, { ...hold, release: async () => {} })
        if (result === 'processed') failed.delete(event.id)
        counts[result]++
      }
    } finally {
      for (const hold of failed.values()) await this.#giveBack(hold, new Report(this.#settings, this.#background))
    }
    return counts
  }

  async idle(): Promise<void> {
    await this.#background.idle()
  }

  async #receive(request: Request, context: ReceiveContext | object | undefined, report: Report): Promise<Response> {
    const verified = await verifyRequest(request, this.#settings)
    if ('handshake' in verified) {
      report.outcome('handshake', verified.handshake.status)
      return handshakeResponse(verified.handshake)
    }
    const event = await this.#read(verified.webhook, report)
    report.during = 'reserve'
    const taken = await this.#reservations.take(event.webhook)
    for (const flag of taken.flags) report.flags.add(flag)
    if (taken.storeError !== undefined) report.error(taken.storeError)
    if (taken.status === 'duplicate') {
      report.outcome('duplicate', 200)
      return okResponse()
    }
    if (taken.status === 'in-flight') return refuseInFlight(taken.retryInMs, report)
    if (!this.#settings.isAnsweredFirst) return await this.#work(event, taken.hold, report, 'request')
    this.#workLater(event, taken.hold, report.continued(), context)
    report.outcome('accepted', 200)
    return okResponse()
  }

  /** Reads a proven event and checks it. */
  async #read(webhook: VerifiedWebhook, report: Report): Promise<RoutedEvent> {
    report.webhook = webhook
    report.during = 'parse'
    const envelope = await parseEvent(webhook, this.#settings)
    report.type = envelope.type
    report.during = 'validate'
    return await validateEvent(webhook, envelope, this.#settings)
  }

  /** Runs the handler, and settles the event by what comes of it. */
  async #work(event: RoutedEvent, hold: Hold, report: Report, by: 'request' | 'background'): Promise<Response> {
    const { webhook, type, data, handler, isHandled } = event
    const statusFor = (status: number) => (by === 'request' ? status : null)
    report.during = 'handler'
    let answer: Response
    try {
      const { attempt, signal } = hold
      const returned = await handler({ id: webhook.eventId, type, data, attempt, webhook }, { signal })
      answer = returned instanceof Response ? answerOf(returned, by) : okResponse()
      if (!answer.ok) throw new HandlerRefusal(answer)
    } catch (error) {
      await this.#giveBack(hold, report)
      const isRefusal = error instanceof HandlerRefusal
      // A status that nobody is answered would be known to nobody.
      if (!isRefusal || by === 'background') report.error(error)
      const refusal = isRefusal ? error.response : errorResponse(500)
      report.outcome('failed', statusFor(refusal.status), error)
      return refusal
    }
    await this.#complete(hold, report)
    report.outcome(isHandled ? 'processed' : 'unhandled', statusFor(answer.status))
    return answer
  }

  #workLater(event: RoutedEvent, hold: Hold, report: Report, context: ReceiveContext | object | undefined): void {
    const work = async () => {
      // After the answer: a handler that computes for long would hold it up.
      await new Promise((resolve) => setTimeout(resolve, 0))
      await this.#work(event, hold, report, 'background')
    }
    const working = work()
    this.#background.add(working)
    // Called on its owner, as platforms demand; a context without it (Next.js passes params) is none.
    if (isReceiveContext(context)) context.waitUntil(working)
    else this.#settings.waitUntil?.(working)
  }

  async #workOnRecord(record: string, hold: Hold): Promise<'processed' | 'failed'> {
    const report = new Report(this.#settings, this.#background)
    try {
      report.during = 'recover'
      const event = await this.#read(readRecord(record), report)
      return (await this.#work(event, hold, report, 'background')).ok ? 'processed' : 'failed'
    } catch (error) {
      report.error(error)
      report.outcome('failed', null, error)
      await this.#giveBack(hold, report)
      return 'failed'
    }
  }

  async #complete(hold: Hold, report: Report): Promise<void> {
    try {
      if (await hold.complete()) return
      report.flags.add('LEASE_LOST')
      const message =
        'A handler took longer than leaseMs, and the event was given to another: raise idempotency.leaseMs.'
      report.error(new PosthornError('LEASE_LOST', message), 'complete')
    } catch (error) {
      // The work is done: to answer anything but success would have it done again.
      report.flags.add('NOT_RECORDED')
      report.error(error, 'complete')
    }
  }

  async #giveBack(hold: Hold, report: Report): Promise<void> {
    try {
      await hold.release()
    } catch (error) {
      // The lease ends by itself; until then the sender meets a 409.
      report.error(error, 'release')
    }
  }

  #refuse(error: unknown, report: Report): Response {
    const status = error instanceof PosthornError ? statusOf(error.code, report.during) : 500
    if (status >= 500 || !(error instanceof PosthornError)) {
      report.error(error)
      report.outcome('failed', status, error)
      return errorResponse(status, status === 503 ? retryAfterFailureSeconds : undefined)
    }
    const isAcknowledged = error.code === 'PAYLOAD_SCHEMA' && this.#settings.acknowledgesInvalid
    const answered = isAcknowledged ? 200 : status
    report.rejection(error, answered)
    report.outcome(isAcknowledged ? 'invalid' : 'rejected', answered, error)
    return isAcknowledged ? okResponse() : errorResponse(status)
  }
}

// `app.post('/webhooks', receiver.fetch)` in a Node framework is an easy mistake to make, and would never answer.
function assertRequest(request: unknown): void {
  const isRequest = typeof request === 'object' && request !== null && 'bodyUsed' in request && 'headers' in request
  if (isRequest && typeof (request.headers as Partial<Headers> | null)?.get === 'function') return
  throw new TypeError(
    'receiver.fetch takes a Request of the Fetch standard. In other frameworks mount toExpressHandler(receiver), toFastifyPlugin, ' +
      'toKoaMiddleware, toNestHandler, toNodeHandler or toLambdaHandler.',
  )
}

const retryAfterFailureSeconds = 10
const longestRetryAfterSeconds = 10

function refuseInFlight(retryInMs: number, report: Report): Response {
  const seconds = Math.min(Math.max(Math.ceil(retryInMs / 1000), 1), longestRetryAfterSeconds)
  const error = new PosthornError('EVENT_IN_FLIGHT', 'The same event is being worked on at this moment.')
  report.rejection(error, 409)
  report.outcome('in-flight', 409, error)
  return errorResponse(409, seconds)
}

function isReceiveContext(context: unknown): context is ReceiveContext {
  const isObject = typeof context === 'object' && context !== null
  return isObject && 'waitUntil' in context && typeof context.waitUntil === 'function'
}

/** What is sent of a handler's `Response`. Throws where that cannot be sent. */
function answerOf(returned: Response, by: 'request' | 'background'): Response {
  const { status, url } = returned
  // A fetched one has a url: headers and body are another server's, and nothing for the sender. Unread, it would hold its connection.
  if (url !== '') returned.body?.cancel().catch(() => {})
  if (by === 'background' || url !== '' || status === 0) return new Response(null, { status })
  // A copy: a handler may return the same one for each event, and a body is read once.
  return returned.clone()
}

/** A handler's own answer that is not 2xx. */
class HandlerRefusal extends Error {
  readonly response: Response

  constructor(response: Response) {
    super(`The handler answered ${response.status}.`)
    this.response = response
  }
}
