import type { Clock } from '../domain/clock.ts'
import type { EventSchemas } from '../domain/catalogue.ts'
import { testEventType } from '../domain/event-type.ts'
import type { WebhookRegistry } from '../registry/webhook-registry.ts'
import { checkScheme, type Scheme } from '../signing/scheme.ts'
import { standardWebhooks } from '../signing/schemes/standard-webhooks.ts'
import { Vault } from '../registry/vault.ts'
import type { Claimed } from '../storage/storage.ts'
import { retryPolicy, singleAttempt, type RetryOptions, type RetryPolicy } from './retry-policy.ts'
import type { SenderOptions } from './send.ts'
import { Signatures } from './signatures.ts'
import type { Transport } from './transport.ts'

/** What an event's body is made from. */
export interface EnvelopeInput {
  /** The event's id, also sent as `webhook-id`. */
  readonly id: string
  /** The event's type. */
  readonly type: string
  /** When it was dispatched. */
  readonly timestamp: Date
  /** What the caller dispatched. */
  readonly data: unknown
}

/** What an {@link EventDispatcher} is made of. */
export interface EventDispatcherOptions<Schemas extends EventSchemas = EventSchemas> {
  /** The webhooks, and with them storage and catalogue. */
  readonly registry: WebhookRegistry<Schemas>
  /** How requests are signed; all of them on every request. `[standardWebhooks]` unless given. */
  readonly schemes?: readonly Scheme[]
  /** Retries of one round, seconds apart, held in memory; 3 with exponential backoff unless given. */
  readonly retry?: RetryOptions
  /** Durable waits before further rounds, in milliseconds, each up to a tenth longer at random; none unless given. See {@link standardSchedule}. */
  readonly schedule?: readonly number[]
  /** Requests under way at once, over all webhooks, 1 to 10,000; 64 unless given. */
  readonly concurrency?: number
  /** Time for a whole attempt, headers and body, 1 to 300,000 ms; 15,000 unless given (Standard Webhooks recommends 15 to 30 s). */
  readonly timeoutMs?: number
  /** Time to connect, 1 to 300,000 ms; 5,000 unless given. */
  readonly connectTimeoutMs?: number
  /**
   * How long a claim holds a delivery, 1,000 to 3,600,000 ms; 30,000 unless given. It is prolonged while the delivery is under way;
   * after a crash the delivery is free again when it has run out.
   */
  readonly leaseMs?: number
  /**
   * How often storage that other processes write to is asked for work, 10 to 60,000 ms; 1,000 unless given. With a `transport` it is how often
   * the sweeper looks for what no hint told of, to publish it again; 5,000 unless given.
   */
  readonly pollIntervalMs?: number
  /**
   * Carries hints of what is due to whichever process has room for it, for instance `bullmqTransport` of `posthorn/bullmq`; none unless
   * given. Storage stays the truth: a hint that is lost costs at most a second more than `pollIntervalMs`, which is spread by a quarter.
   */
  readonly transport?: Transport
  /** How long an idempotency key is remembered, 1,000 ms to 30 days; 24 hours unless given. */
  readonly idempotencyTtlMs?: number
  /** The longest body that may be dispatched, 1 to 16 MiB in bytes; 1 MiB unless given (Standard Webhooks recommends under 20 kB). */
  readonly maxBodyBytes?: number
  /**
   * The most pending deliveries of a tenant; above it `dispatch` rejects with `QUEUE_FULL`. From 1, `Infinity` for no limit; 100,000
   * unless given. It is counted now and then, not on every dispatch, so several processes may pass it a little.
   */
  readonly maxPendingPerTenant?: number
  /** Makes the body from an event; `{ id, type, timestamp, data }` unless given. What it returns is serialized once. */
  readonly envelope?: (input: EnvelopeInput) => unknown
  /** The `user-agent` header. */
  readonly userAgent?: string
  /**
   * Used to make requests in place of undici, for instance by tests. It must not follow redirects when told `redirect: 'manual'`. The rules
   * for URLs, names and literal addresses apply before it is called; what a name resolves to and is connected to is then its own affair.
   */
  readonly fetch?: typeof globalThis.fetch
  /** Tells the time; `Date.now` unless given. */
  readonly clock?: Clock
  /** Random numbers from 0 to 1 for jitter; `Math.random` unless given. */
  readonly random?: () => number
}

/** A dispatcher's options, checked and complete. */
export interface DispatcherSettings extends SenderOptions {
  /** One for all lives of the dispatcher, so that what was opened stays open. */
  readonly signatures: Signatures
  readonly policyFor: (claimed: Claimed) => RetryPolicy
  readonly concurrency: number
  readonly leaseMs: number
  readonly pollIntervalMs: number
  readonly transport: Transport | undefined
  readonly idempotencyTtlMs: number
  readonly maxBodyBytes: number
  readonly maxPendingPerTenant: number
  readonly envelope: (input: EnvelopeInput) => unknown
  readonly serialize: (payload: unknown) => string
  readonly userAgent: string
  readonly random: () => number
}

/** The version in the `user-agent` header; held to package.json by a test. */
export const version = '0.1.0'

const known = new Set<keyof EventDispatcherOptions>([
  'registry',
  'schemes',
  'retry',
  'schedule',
  'concurrency',
  'timeoutMs',
  'connectTimeoutMs',
  'leaseMs',
  'pollIntervalMs',
  'transport',
  'idempotencyTtlMs',
  'maxBodyBytes',
  'maxPendingPerTenant',
  'envelope',
  'userAgent',
  'fetch',
  'clock',
  'random',
])

/** Checks a dispatcher's options and fills in the defaults. */
export function dispatcherSettings<Schemas extends EventSchemas>(
  options: EventDispatcherOptions<Schemas>,
): DispatcherSettings {
  for (const name of Object.keys(options)) {
    if (!known.has(name as keyof EventDispatcherOptions)) {
      // widened to ask
      throw new TypeError(`EventDispatcher has no option ${name}; known are ${[...known].join(', ')}.`)
    }
  }
  if (options.fetch !== undefined) assertOwnConnections(options)
  const policy = retryPolicy(options.retry, options.schedule)
  const schemes = checkSchemes(options.schemes ?? [standardWebhooks])
  const transport = checkTransport(options.transport)
  const timeoutMs = integer('timeoutMs', options.timeoutMs ?? 15_000, 1, 300_000)
  return Object.freeze({
    signatures: new Signatures(schemes, new Vault(options.registry.encryption ?? 'none')),
    policyFor: ({ event }: Claimed) => (event.type === testEventType ? singleAttempt : policy),
    concurrency: integer('concurrency', options.concurrency ?? 64, 1, 10_000),
    timeoutMs,
    connectTimeoutMs: integer('connectTimeoutMs', options.connectTimeoutMs ?? 5_000, 1, 300_000),
    maxResponseBytes: 16 * 1024,
    addresses: options.registry.addresses,
    leaseMs: integer('leaseMs', options.leaseMs ?? 30_000, 1_000, 3_600_000),
    pollIntervalMs: integer(
      'pollIntervalMs',
      options.pollIntervalMs ?? (transport === undefined ? 1_000 : 5_000),
      10,
      60_000,
    ),
    transport,
    idempotencyTtlMs: integer('idempotencyTtlMs', options.idempotencyTtlMs ?? 86_400_000, 1_000, 30 * 86_400_000),
    maxBodyBytes: integer('maxBodyBytes', options.maxBodyBytes ?? 1_048_576, 1, 16 * 1_048_576),
    maxPendingPerTenant: limit('maxPendingPerTenant', options.maxPendingPerTenant ?? 100_000),
    envelope: callable('envelope', options.envelope ?? standardEnvelope),
    serialize: schemes.find((scheme) => scheme.serialize !== undefined)?.serialize ?? JSON.stringify,
    userAgent: checkUserAgent(options.userAgent ?? `posthorn/${version}`),
    clock: callable('clock', options.clock ?? Date.now),
    random: callable('random', options.random ?? Math.random),
    ...(options.fetch !== undefined && { fetch: callable('fetch', options.fetch) }),
  })
}

// Connections are the given fetch's to make.
function assertOwnConnections({ connectTimeoutMs, registry }: EventDispatcherOptions): void {
  if (connectTimeoutMs !== undefined)
    throw new TypeError('connectTimeoutMs has no use beside fetch, which makes its own connections: leave one out.')
  if (registry.addresses.proxy !== null)
    throw new TypeError(
      "The registry's addresses.proxy has no use beside fetch, which makes its own connections: leave one out.",
    )
}

// Standard Webhooks, "Payload structure"; the id is there so that a receiver who keeps only the body can still tell repeats.
function standardEnvelope({ id, type, timestamp, data }: EnvelopeInput): unknown {
  return { id, type, timestamp: isoText(timestamp), data }
}

// Events come many to a millisecond, and the text of an instant takes as long as signing does.
let lastMs = Number.NaN
let lastText = ''
function isoText(instant: Date): string {
  const atMs = instant.getTime()
  if (atMs !== lastMs) {
    lastText = instant.toISOString()
    lastMs = atMs
  }
  return lastText
}

function checkSchemes(schemes: readonly Scheme[]): readonly Scheme[] {
  if (!Array.isArray(schemes) || schemes.length === 0) {
    throw new TypeError('schemes must be a list of at least one scheme, for instance [standardWebhooks].')
  }
  for (const scheme of schemes) checkScheme('EventDispatcher', scheme)
  const names = schemes.map((scheme) => scheme.name)
  if (new Set(names).size < names.length) throw new TypeError(`schemes has one twice: ${names.join(', ')}.`)
  const own = schemes.filter((scheme) => scheme.serialize !== undefined)
  if (own.length > 1) {
    throw new TypeError(
      `schemes ${own.map((scheme) => scheme.name).join(' and ')} each write the body their own way: keep one of them.`,
    )
  }
  return Object.freeze([...schemes])
}

function checkTransport(transport: unknown): Transport | undefined {
  if (transport === undefined) return undefined
  // A transport of somebody's own is asked for what is used of it.
  const { connect, subscribe, name } = (transport ?? {}) as Partial<Record<keyof Transport, unknown>>
  if (typeof connect === 'function' && typeof subscribe === 'function' && typeof name === 'string') {
    return transport as Transport
  }
  throw new TypeError(
    `transport must be a transport, for instance bullmqTransport({ connection }), not ${transport === null ? 'null' : typeof transport}.`,
  )
}

function integer(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${String(value)}.`)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new RangeError(`${name} must be an integer from ${min} to ${max}, not ${value}.`)
}

function limit(name: string, value: unknown): number {
  return value === Infinity ? value : integer(name, value, 1, Number.MAX_SAFE_INTEGER)
}

function callable<F>(name: string, value: F): F {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function, not ${String(value)}.`)
  return value
}

function checkUserAgent(text: unknown): string {
  if (typeof text === 'string' && /^[\x20-\x7e]{1,200}$/.test(text) && text.trim() !== '') return text
  throw new TypeError('userAgent must be 1 to 200 printable ASCII characters.')
}
