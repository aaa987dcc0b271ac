import { createFetch } from 'ofetch'
import { Agent, buildConnector, ProxyAgent, request as undiciRequest, type Dispatcher } from 'undici'
import type { Clock } from '../domain/clock.ts'
import type { AttemptErrorCode } from '../domain/delivery.ts'
import type { Outcome, ResponseOutcome } from '../domain/outcome.ts'
import type { AddressPolicy } from '../registry/address-policy/address-policy.ts'
import { guardedConnector } from './guard/guarded-connector.ts'
import { createNameResolver, type NameResolver } from './guard/name-resolver.ts'
import { refuseUrl } from './guard/refuse-url.ts'
import { blockOf, errorCodeOf } from './network-error.ts'
import { readCapped } from './response-text.ts'

/** One request to make. */
export interface SendRequest {
  readonly url: string
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

// What ofetch needs of a response, and no more: building a real Response costs more than the rest of the request.
interface ThinResponse {
  readonly status: number
  readonly headers: Headers | Readonly<Record<string, string | string[] | undefined>>
  readonly body: AsyncIterable<Uint8Array> | null
}

/** Creates a sender. Connections are kept alive and opened on first use. */
export function createSender(options: SenderOptions): Sender {
  const { clock, timeoutMs, maxResponseBytes, addresses } = options
  const resolver = createNameResolver(addresses.resolver, addresses.resolveTimeoutMs)
  const agent = createAgent(options, resolver)
  // ofetch speaks of the global Response; it reads only what ThinResponse has, because the response type is always given.
  const http = createFetch({ fetch: options.fetch ?? (thinFetch(agent) as unknown as typeof globalThis.fetch) })
  const underWay = new Set<AbortController>()

  async function send(request: SendRequest): Promise<Outcome> {
    const controller = new AbortController()
    const startedAt = new Date(clock())
    const started = performance.now()
    const time = () => ({ startedAt, durationMs: Math.round(performance.now() - started) })
    const refused = refuseUrl(request.url, addresses)
    if (refused !== null) return { ...time(), ...refused }
    let end: AttemptErrorCode = 'aborted'
    // No unref: somebody waits for this attempt.
    const deadline = setTimeout(() => {
      end = 'timeout'
      controller.abort()
    }, timeoutMs)
    // Raced, because a fetch that was given may not heed its signal.
    const aborted = new Promise<null>((resolve) => {
      controller.signal.addEventListener('abort', () => setImmediate(resolve, null), { once: true })
    })
    underWay.add(controller)
    try {
      const response = await Promise.race([exchange(request, controller.signal), aborted])
      return response === null ? { ...time(), status: null, error: end } : { ...time(), ...response }
    } catch (error) {
      if (controller.signal.aborted) return { ...time(), status: null, error: end }
      return { ...time(), status: null, error: errorCodeOf(error), block: blockOf(error) }
    } finally {
      clearTimeout(deadline)
      underWay.delete(controller)
    }
  }

  async function exchange({ url, headers, body }: SendRequest, signal: AbortSignal): Promise<ResponseOutcome> {
    const response: ThinResponse = await http.raw(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      retry: false,
      ignoreResponseError: true,
      responseType: 'stream',
      signal,
    })
    const text = await readCapped(response.body, maxResponseBytes)
    return { status: response.status, error: null, headers: plainHeaders(response.headers), body: text }
  }

  return {
    send,
    abort: () => underWay.forEach((controller) => controller.abort()),
    async close() {
      resolver.close()
      await agent.destroy()
    },
  }
}

function createAgent({ addresses, connectTimeoutMs }: SenderOptions, resolver: NameResolver): Dispatcher {
  const settings = {
    // One deadline of our own covers headers and body.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Said out loud, because a flag of Node's changes the default.
    maxHeaderSize: 16 * 1024,
  }
  if (addresses.proxy !== null) {
    const tls = { timeout: connectTimeoutMs, rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const
    return new ProxyAgent({ ...settings, uri: addresses.proxy, requestTls: tls, proxyTls: tls })
  }
  const connect = guardedConnector(buildConnector, { policy: addresses, resolver, connectTimeoutMs })
  return new Agent({ ...settings, connect })
}

function thinFetch(agent: Dispatcher) {
  return async (url: string, init: RequestInit): Promise<ThinResponse> => {
    const { statusCode, headers, body } = await undiciRequest(url, {
      dispatcher: agent,
      method: 'POST',
      headers: init.headers as Headers, // ofetch has made it one
      body: init.body as string, // as given by `send`
      signal: init.signal ?? null,
    })
    return { status: statusCode, headers, body }
  }
}

function plainHeaders(headers: ThinResponse['headers']): Record<string, string> {
  const entries = headers instanceof Headers ? [...headers] : Object.entries(headers)
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (value === undefined ? [] : [[name.toLowerCase(), [value].flat().join(', ')]])),
  )
}
