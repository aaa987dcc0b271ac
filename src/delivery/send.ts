import { createFetch } from 'ofetch'
import { Agent, buildConnector, ProxyAgent, type Dispatcher } from 'undici'
import type { Clock } from '../domain/clock.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { AddressPolicy } from '../registry/address-policy/address-policy.ts'
import { Deadlines } from './deadlines.ts'
import { type Answer, HandlerExchange } from './exchange.ts'
import { FetchExchange } from './fetch-exchange.ts'
import { guardedConnector } from './guard/guarded-connector.ts'
import { createNameResolver, type NameResolver } from './guard/name-resolver.ts'
import { HeaderRecord } from './header-record.ts'
import { blockOf, errorCodeOf } from './network-error.ts'
import { type Target, Targets } from './targets.ts'

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
  /** Judges each URL, and each address that is connected to. */
  readonly addresses: AddressPolicy
  /** Used in place of undici, for instance by tests. URLs are judged, addresses are not: whoever gives it resolves and connects. */
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
  const { clock, timeoutMs, maxResponseBytes, addresses, fetch: given } = options
  const resolver = createNameResolver(addresses.resolver, addresses.resolveTimeoutMs)
  const agent = createAgent(options, resolver)
  const targets = new Targets(addresses)
  const http = createFetch({ fetch: asFetch(exchangeOver(agent)), Headers: asHeaders(HeaderRecord) })
  const underWay = new Deadlines<HandlerExchange | FetchExchange>(timeoutMs)
  // Those that were ended from outside; what else was given up has met its deadline.
  const aborted = new WeakSet<object>()

  async function send(request: SendRequest): Promise<Outcome> {
    const exchange =
      given === undefined ? new HandlerExchange(maxResponseBytes) : new FetchExchange(given, maxResponseBytes)
    const startedAt = new Date(clock())
    const started = performance.now()
    const target = targets.of(request.url)
    if ('error' in target) return { startedAt, durationMs: 0, ...target }
    const deadline = underWay.add(exchange, started)
    try {
      const { status, headers, text } = asAnswer(await http.raw(asRequest(target), initOf(request, exchange)))
      underWay.remove(deadline)
      return { startedAt, durationMs: since(started), status, error: null, headers, body: text }
    } catch (error) {
      const wasGivenUp = !underWay.remove(deadline)
      const met = { startedAt, durationMs: since(started), status: null } as const
      if (wasGivenUp) return { ...met, error: aborted.has(exchange) ? 'aborted' : 'timeout' }
      return { ...met, error: errorCodeOf(error), block: blockOf(error) }
    }
  }

  return {
    send,
    abort() {
      for (const exchange of underWay.removeAll()) {
        aborted.add(exchange)
        exchange.abort()
      }
    },
    async close() {
      resolver.close()
      await agent.destroy()
    },
  }
}

// How long an idle connection is kept, in milliseconds.
const maxIdleMs = 30_000

function createAgent({ addresses, connectTimeoutMs }: SenderOptions, resolver: NameResolver): Dispatcher {
  const settings = {
    // One deadline of our own covers headers and body.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Said out loud, because a flag of Node's changes the default.
    maxHeaderSize: 16 * 1024,
    // Whatever a receiver offers: each webhook may keep as many open as it has had in flight, and file descriptors are few.
    keepAliveMaxTimeout: maxIdleMs,
  }
  if (addresses.proxy !== null) {
    const tls = { timeout: connectTimeoutMs, rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const
    return new ProxyAgent({ ...settings, uri: addresses.proxy, requestTls: tls, proxyTls: tls })
  }
  const connect = guardedConnector(buildConnector, { policy: addresses, resolver, connectTimeoutMs })
  return new Agent({ ...settings, connect })
}

function initOf({ headers, body }: SendRequest, exchange: HandlerExchange | FetchExchange) {
  return {
    method: 'POST',
    headers,
    body,
    redirect: 'manual',
    retry: false,
    ignoreResponseError: true,
    responseType: 'stream',
    exchange,
  } as const
}

function exchangeOver(agent: Dispatcher) {
  return ({ url, origin, path }: Target, { headers, body, exchange }: FetchInit): Promise<Answer> => {
    if (exchange instanceof FetchExchange) return exchange.begin(url, headers.record, body)
    agent.dispatch({ origin, path, method: 'POST', headers: headers.record, body }, exchange)
    return exchange.answer
  }
}

function since(started: number): number {
  return Math.round(performance.now() - started)
}

// ofetch speaks of the platform's fetch, Headers and Response. It asks of them what ours have, and no more: its source of 1.5.1.
function asFetch(fetch: (target: Target, init: FetchInit) => Promise<Answer>) {
  return fetch as unknown as typeof globalThis.fetch
}

// As an object, like a Request: of a text ofetch takes what it reads as a query apart, and its options become a slow object for it.
function asRequest(target: Target) {
  return target as unknown as Request
}

function asHeaders(headers: typeof HeaderRecord) {
  return headers as unknown as typeof globalThis.Headers
}

function asAnswer(response: unknown): Answer {
  return response as Answer
}
