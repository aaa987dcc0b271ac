import type { Clock } from '../domain/clock.ts'
import { PosthornError } from '../domain/error.ts'
import { isEventType } from '../domain/event-type.ts'
import { isHeaderToken } from './header-token.ts'
import type { SigningAlgorithm } from './key.ts'
import { checkOptions } from './options.ts'
import { checkScheme, contentsOf, type Place, type Scheme, type SignedContent, type SignedMessage } from './scheme.ts'
import { standardWebhooks } from './schemes/standard-webhooks.ts'
import { isPending } from './pending.ts'
import { createSigningKeys, type RemoteKey, type SigningKey } from './signing-key.ts'
import { encoderOf, timeWriterOf } from './writers.ts'

/** Options of a {@link Signer}. */
export interface SignerOptions {
  /**
   * The secret, or up to 16 of them, newest first. Every one signs where the scheme's header is a list, the newest where
   * it holds one. For Standard Webhooks `whsec_…` or the private key `whsk_…`; a {@link RemoteKey} signs elsewhere, such as in a KMS.
   */
  readonly secret: string | RemoteKey | readonly (string | RemoteKey)[] | undefined
  /** How the signature is laid out; {@link standardWebhooks} unless given. */
  readonly scheme?: Scheme
  /** Tells the time of a message that brings none; `Date.now` unless given. */
  readonly clock?: Clock
}

/** One message to sign. */
export interface SignInput {
  /** The event's id, the same on every attempt: 1 to 256 printable ASCII characters without space, comma and full stop. */
  readonly id: string
  /** The time of the attempt, sent in whole seconds by most schemes; now unless given. */
  readonly timestamp?: Date
  /** The event type; needed by schemes with a type header ({@link ipaScheme}), left out by the others. */
  readonly type?: string
  /** The body exactly as it is sent; text is signed as its UTF-8 bytes. */
  readonly body: string | Uint8Array
  /** The method; signed by few schemes (HubSpot, Contentful), `POST` unless given. */
  readonly method?: string
  /** The URL that the request goes to; signed by few schemes (Twilio, HubSpot, Contentful). */
  readonly url?: string
  /** Other headers of the request; signed by few schemes (Contentful, Coinbase). */
  readonly headers?: Readonly<Record<string, string>>
}

/** Makes the headers that prove to a receiver who sent a message. It never shows its secrets. */
export class Signer {
  readonly #signer: MessageSigner

  /**
   * Creates a signer; the keys are prepared once, so keep it.
   *
   * @throws PosthornError `SECRET_INVALID` when a secret has the wrong form; TypeError for any other wrong option, or for
   * a scheme by which requests can only be verified.
   */
  constructor(options: SignerOptions) {
    this.#signer = new MessageSigner(options)
  }

  /**
   * Signs one message and gives the headers to send with it, under the names that the scheme uses.
   *
   * @throws PosthornError `VALIDATION_FAILED` when id, timestamp, type or body cannot be signed unambiguously.
   */
  async sign(message: SignInput): Promise<Record<string, string>> {
    return await this.#signer.sign(message)
  }
}

/** The work of a {@link Signer}, done at once where its keys need no wait: who signs thousands a second pays for each promise. */
export class MessageSigner {
  readonly #scheme: Scheme
  readonly #keys: readonly SigningKey[]
  readonly #clock: Clock
  readonly #encode: (bytes: Uint8Array) => string
  readonly #writeTime: ((atMs: number) => string) | null

  /** See {@link Signer}. */
  constructor(options: SignerOptions) {
    checkOptions('Signer', options, { secret: '', scheme: '', clock: 'a function' })
    const { secret, scheme = standardWebhooks, clock = Date.now } = options
    this.#scheme = checkScheme('Signer', scheme)
    if (scheme.writeHeaders === null) {
      throw new TypeError(`Signer: by the scheme ${scheme.name} requests can only be verified.`)
    }
    this.#clock = clock
    this.#encode = encoderOf(scheme.signature.encoding)
    this.#writeTime = scheme.timestamp && timeWriterOf(scheme.timestamp.unit)
    const keys = createSigningKeys(secret, scheme)
    this.#keys = scheme.signature.syntax === 'single' ? keys.slice(0, 1) : keys
  }

  /** As {@link Signer.sign}; what is wrong with the message is thrown at once. */
  sign(message: SignInput): Record<string, string> | Promise<Record<string, string>> {
    if (typeof message !== 'object' || message === null) throw unsignable('message', 'must be an object { id, body }')
    const signed = checkMessage(message, this.#scheme, this.#clock, this.#writeTime)
    const content = this.#scheme.signedContent(signed)
    const type = message.type ?? ''
    return isPending(content)
      ? Promise.resolve(content).then((made) => this.#sign(made, signed, type))
      : this.#sign(content, signed, type)
  }

  #sign(signable: SignedContent | null, signed: SignedMessage, type: string) {
    const content = signable && contentsOf(signable)[0]
    if (!content) throw unsignable('message', `contradicts itself in the eyes of the scheme ${this.#scheme.name}`)
    const { prefixes } = this.#scheme.signature
    const textOf = (algorithm: SigningAlgorithm, bytes: Uint8Array) => (prefixes[algorithm] ?? '') + this.#encode(bytes)
    const write = (signatures: readonly string[]) => writeHeaders(this.#scheme, signatures, signed, type)
    const [only] = this.#keys
    if (only !== undefined && this.#keys.length === 1) {
      const made = only.sign(content)
      return isPending(made)
        ? Promise.resolve(made).then((bytes) => write([textOf(only.algorithm, bytes)]))
        : write([textOf(only.algorithm, made)])
    }
    // Each by itself: what one throws at once leaves no other alone with what it rejects with.
    const texts = this.#keys.map(async ({ algorithm, sign }) => textOf(algorithm, await sign(content)))
    // Equivalent keys (`k` and `k` with zero bytes behind it) sign alike; one signature says it all.
    return Promise.all(texts).then((all) => write([...new Set(all)]))
  }
}

function writeHeaders(scheme: Scheme, signatures: readonly string[], signed: SignedMessage, type: string) {
  const { id, timestamp } = signed
  const { covers, eventId, eventType, signature } = scheme
  const headers: Record<string, string> = {}
  // One by one: spreading objects into each other costs as much as the signature of a small body.
  const write = (place: Place | null | undefined, text: string) => {
    if (place?.header && text !== '') headers[place.header] = text
  }
  write(eventId, id)
  // A scheme that signs headers (Contentful) signed what the caller has there.
  write(eventType, (eventType?.header && covers.includes('headers') && signed.header(eventType.header)) || type)
  const written = scheme.writeHeaders?.({ signatures, timestamp, id, message: signed })
  if (written) return Object.assign(headers, written)
  write(scheme.timestamp?.place, timestamp)
  headers[signature.header] = signatures.join(' ')
  return headers
}

function checkMessage(
  message: SignInput,
  scheme: Scheme,
  clock: Clock,
  writeTime: ((atMs: number) => string) | null,
): SignedMessage {
  const { id, timestamp, type, body, method = 'POST', url = '', headers = {} } = message
  if (typeof id !== 'string' || id.length > 256 || !isHeaderToken(id) || id.includes('.')) {
    throw unsignable('id', 'must be 1 to 256 printable ASCII characters without space, comma and full stop')
  }
  if (timestamp !== undefined && !(timestamp instanceof Date)) throw unsignable('timestamp', 'must be a Date')
  const atMs = Math.floor(timestamp?.getTime() ?? clock())
  if (!(atMs >= 0 && atMs < 1e14)) throw unsignable('timestamp', 'must be a valid Date between the years 1970 and 5138')
  const typeHeader = scheme.eventType?.header
  if (typeHeader && (typeof type !== 'string' || !isEventType(type))) {
    throw unsignable(
      'type',
      `must be an event type such as order.paid, because ${scheme.name} sends it as ${typeHeader}`,
    )
  }
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw unsignable('body', 'must be the text or bytes that are sent, serialized before signing')
  }
  return {
    id,
    timestamp: writeTime?.(atMs) ?? '',
    body,
    method: method.toUpperCase(),
    url,
    header: (name) => Object.entries(headers).find(([given]) => given.toLowerCase() === name.toLowerCase())?.[1] ?? '',
  }
}

function unsignable(path: string, message: string): PosthornError {
  return new PosthornError('VALIDATION_FAILED', `Cannot sign: ${path} ${message}.`, { issues: [{ path, message }] })
}
