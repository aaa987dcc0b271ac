import { createFetch } from 'ofetch'
import { Agent } from 'undici'
import type { Clock } from '../domain/clock.ts'
import type { AttemptErrorCode } from '../domain/delivery.ts'
import type { Outcome } from '../domain/outcome.ts'
import { type Answer, type Exchange, HandlerExchange } from './exchange.ts'
import { FetchExchange } from './fetch-exchange.ts'
import { HeaderRecord } from './header-record.ts'
import { errorCodeOf } from './network-error.ts'

/** One request to make. */
export interface SendRequest {
  readonly url: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** The exact text that was signed. */
  readonly body: string
}

/** How requests are made. */
export interface SenderOptions {
  /** Time for the whole attempt, headers and body, in milliseconds. */
  readonly timeoutMs: number
  /** Time to connect, in milliseconds. */
  readonly connectTimeoutMs: number
  /** The most response bytes that are kept. */
  readonly maxResponseBytes: number
  /** Used in place of undici, for instance by tests. */
  readonly fetch?: typeof globalThis.fetch
  readonly clock: Clock
}

/** Makes requests; what they meet is an outcome, never an exception. */
export interface Sender {
  send(request: SendRequest): Promise<Outcome>
  /** Ends every request under way; each has the outcome `aborted`. */
  abort(): void
  /** Closes every connection. */
  close(): Promise<void>
}

// What our fetch gets of ofetch: the options of the call, headers made one object, and the exchange that the call carries along.
interface FetchInit {
  readonly headers: HeaderRecord
  readonly body: string
  readonly exchange: HandlerExchange | FetchExchange
}

/** Creates a sender. Connections are kept alive and opened on first use. */
export function createSender(options: SenderOptions): Sender {
  const { clock, timeoutMs, maxResponseBytes, fetch: given } = options
  const agent = new Agent({
    connect: { timeout: options.connectTimeoutMs, rejectUnauthorized: true },
    // One deadline of our own covers headers and body.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const http = createFetch({ fetch: asFetch(exchangeOver(agent)), Headers: asHeaders(HeaderRecord) })
  const underWay = new Set<Exchange>()

  async function send(request: SendRequest): Promise<Outcome> {
    const exchange =
      given === undefined ? new HandlerExchange(maxResponseBytes) : new FetchExchange(given, maxResponseBytes)
    const startedAt = new Date(clock())
    const started = performance.now()
    let end: AttemptErrorCode | null = null
    // No unref: somebody waits for this attempt.
    const deadline = setTimeout(() => {
      end = 'timeout'
      exchange.abort()
    }, timeoutMs)
    underWay.add(exchange)
    try {
      const { status, headers, text } = await exchangeFor(request, exchange)
      return { startedAt, durationMs: since(started), status, error: null, headers, body: text }
    } catch (error) {
      const isAborted = end === null && !underWay.has(exchange)
      return {
        startedAt,
        durationMs: since(started),
        status: null,
        error: isAborted ? 'aborted' : (end ?? errorCodeOf(error)),
      }
    } finally {
      clearTimeout(deadline)
      underWay.delete(exchange)
    }
  }

  async function exchangeFor({ url, headers, body }: SendRequest, exchange: Exchange): Promise<Answer> {
    const init = {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      retry: false,
      ignoreResponseError: true,
      responseType: 'stream',
      exchange,
    } as const
    return asAnswer(await http.raw(url, init))
  }

  return {
    send,
    abort() {
      const exchanges = [...underWay]
      underWay.clear()
      for (const exchange of exchanges) exchange.abort()
    },
    close: () => agent.destroy(),
  }
}

function exchangeOver(agent: Agent) {
  return (url: string, { headers, body, exchange }: FetchInit): Promise<Answer> => {
    if (exchange instanceof FetchExchange) return exchange.begin(url, headers.record, body)
    const { origin, pathname, search } = new URL(url)
    agent.dispatch({ origin, path: pathname + search, method: 'POST', headers: headers.record, body }, exchange)
    return exchange.answer
  }
}

function since(started: number): number {
  return Math.round(performance.now() - started)
}

// ofetch speaks of the platform's fetch, Headers and Response. It asks of them what ours have, and no more: its source of 1.5.1.
function asFetch(fetch: (url: string, init: FetchInit) => Promise<Answer>) {
  return fetch as unknown as typeof globalThis.fetch
}

function asHeaders(headers: typeof HeaderRecord) {
  return headers as unknown as typeof globalThis.Headers
}

function asAnswer(response: unknown): Answer {
  return response as Answer
}
