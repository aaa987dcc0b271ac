import type { EventSchemas } from '../domain/catalogue.ts'
import { envelopeReader } from './envelope.ts'
import { idempotencySettings } from './idempotency-options.ts'
import type { EventHandler } from './received-event.ts'
import type { ReceiverOptions, ReceiverSettings } from './receiver-options.ts'
import { printError } from './report.ts'
import { coversContent, type WebhookVerifier } from './webhook-verifier.ts'

/** Checks a receiver's options and fills in the defaults; throws `TypeError` or `RangeError` that names the one that is wrong. */
export function receiverSettings<Schemas extends EventSchemas>(options: ReceiverOptions<Schemas>): ReceiverSettings {
  if (typeof options !== 'object' || options === null) throw new TypeError('createReceiver takes an options object.')
  for (const name of Object.keys(options)) {
    if (!known.has(name)) throw new TypeError(`createReceiver has no option ${JSON.stringify(name)}.`)
  }
  const { verifier, events, idempotency, acknowledge = 'after-handler', endpoint, waitUntil } = options
  assertVerifier(verifier)
  const isAnsweredFirst = choice('acknowledge', acknowledge, ['after-handler', 'after-store']) === 'after-store'
  const acceptsUncovered = choice('uncoveredBody', options.uncoveredBody ?? 'refuse', ['refuse', 'accept']) === 'accept'
  const invalidData = choice('invalidData', options.invalidData ?? 'reject', ['reject', 'acknowledge'])
  if (!acceptsUncovered) assertCovered(verifier)
  const settings: ReceiverSettings = {
    verifier,
    events,
    handlers: handlersOf(options),
    onUnknown: callable('onUnknown', options.onUnknown ?? ignore),
    idempotency: idempotency === 'none' ? null : idempotencySettings(idempotency),
    endpoint: checkEndpoint(endpoint ?? 'default'),
    isAnsweredFirst,
    waitUntil: waitUntil && callable('waitUntil', waitUntil),
    acknowledgesInvalid: invalidData === 'acknowledge',
    acceptsUncovered,
    readEnvelope: callable('readEnvelope', options.readEnvelope ?? envelopeReader(verifier.scheme)),
    onReject: callable('onReject', options.onReject ?? ignore),
    onError: callable('onError', options.onError ?? printError),
    onOutcome: callable('onOutcome', options.onOutcome ?? ignore),
  }
  if (isAnsweredFirst) assertDurable(settings.idempotency, endpoint)
  return settings
}

const known = new Set<string>([
  'verifier',
  'events',
  'on',
  'onUnknown',
  'idempotency',
  'endpoint',
  'acknowledge',
  'waitUntil',
  'invalidData',
  'uncoveredBody',
  'readEnvelope',
  'onReject',
  'onError',
  'onOutcome',
] satisfies (keyof ReceiverOptions<EventSchemas>)[])

function ignore(): void {}

function assertVerifier(verifier: unknown): asserts verifier is WebhookVerifier {
  const isVerifier = typeof verifier === 'object' && verifier !== null && 'verify' in verifier
  if (isVerifier && typeof verifier.verify === 'function') return
  throw new TypeError('createReceiver needs { verifier }: new Verifier({ secret }), from posthorn/verify.')
}

function assertCovered({ scheme }: WebhookVerifier): void {
  if (scheme === undefined || coversContent(scheme.covers)) return
  throw new TypeError(
    `createReceiver: the scheme ${scheme.name} does not sign the body, so whoever captures one request can write what another says. ` +
      "Fetch what the event is about from the provider's API, and say uncoveredBody: 'accept'.",
  )
}

// A Map, because `__proto__`, `toString` and their like are members of every object.
function handlersOf<Schemas extends EventSchemas>({ on, events }: ReceiverOptions<Schemas>): Map<string, EventHandler> {
  if (typeof on !== 'object' || on === null) {
    throw new TypeError("createReceiver needs { on }: handlers by event type, { 'order.paid': (event) => … }.")
  }
  const handlers = new Map<string, EventHandler>()
  for (const [type, handler] of Object.entries<unknown>(on)) {
    // `undefined` is how an optional handler is left out.
    if (handler === undefined) continue
    if (typeof handler !== 'function')
      throw new TypeError(`createReceiver: on[${JSON.stringify(type)}] must be a function.`)
    if (events !== undefined && !events.has(type)) {
      throw new TypeError(
        `createReceiver: on[${JSON.stringify(type)}] is no type of the catalogue, so it would never run.`,
      )
    }
    handlers.set(type, handler as EventHandler) // its data is what the schema of its type makes
  }
  return handlers
}

function assertDurable(idempotency: ReceiverSettings['idempotency'], endpoint: string | undefined): void {
  const mode = "createReceiver: acknowledge: 'after-store'"
  if (idempotency === null)
    throw new TypeError(`${mode} needs { idempotency }: without a store an event has nowhere to be.`)
  if (idempotency.store.durability === 'none') {
    throw new TypeError(
      `${mode} needs a store that outlives the process: ${idempotency.store.name} would lose what was answered already.`,
    )
  }
  if (idempotency.whenStoreFails === 'process') {
    throw new TypeError(`${mode} cannot go with whenStoreFails: 'process': what is not stored must not be answered.`)
  }
  if (endpoint === undefined) {
    throw new TypeError(`${mode} needs { endpoint }: recover() would take up the events of another receiver.`)
  }
}

function checkEndpoint(endpoint: unknown): string {
  if (typeof endpoint === 'string' && /^[\w.~:/@-]{1,128}$/.test(endpoint)) return endpoint
  throw new TypeError('createReceiver: endpoint must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ : / @ -')
}

function callable<Callable>(name: string, value: Callable): Callable {
  if (typeof value === 'function') return value
  throw new TypeError(`createReceiver: ${name} must be a function, not ${typeof value}.`)
}

function choice<Choice extends string>(name: string, value: unknown, choices: readonly Choice[]): Choice {
  const chosen = choices.find((candidate) => candidate === value)
  if (chosen !== undefined) return chosen
  throw new TypeError(`createReceiver: ${name} must be '${choices.join("' or '")}', not ${String(value)}.`)
}
