import type { Clock } from '../domain/clock.ts'
import { PosthornError } from '../domain/error.ts'
import { isEventType } from '../domain/event-type.ts'
import type { HmacKey } from './crypto-seam.ts'
import { isHeaderToken } from './header-token.ts'
import { createKeys } from './keys.ts'
import { checkClock, checkOptionNames } from './options.ts'
import { checkScheme, type Scheme, type SignedMessage } from './scheme.ts'
import { standardWebhooks } from './schemes/standard-webhooks.ts'
import { formatSignatures } from './signature-header.ts'
import { firstMillisecondSeconds } from './timestamp.ts'

/** Options of a {@link Signer}. */
export interface SignerOptions {
  /** The secret, or up to 16 of them, newest first. Every one signs where the scheme's header is a list, the newest where it holds one. */
  readonly secret: string | readonly string[] | undefined
  /** How the signature is laid out; {@link standardWebhooks} unless given. */
  readonly scheme?: Scheme
  /** Tells the time of a message that brings none; `Date.now` unless given. */
  readonly clock?: Clock
}

/** One message to sign. */
export interface SignInput {
  /** The event's id, the same on every attempt: 1 to 256 printable ASCII characters without space, comma and full stop. */
  readonly id: string
  /** The time of the attempt, sent in whole seconds; now unless given. */
  readonly timestamp?: Date
  /** The event type; needed by schemes with a type header ({@link ipaScheme}), left out by the others. */
  readonly type?: string
  /** The body exactly as it is sent; text is signed as its UTF-8 bytes. */
  readonly body: string | Uint8Array
}

/** Makes the headers that prove to a receiver who sent a message. It never shows its secrets. */
export class Signer {
  readonly #scheme: Scheme
  readonly #keys: readonly HmacKey[]
  readonly #clock: Clock

  /**
   * Creates a signer; the keys are prepared once, so keep it.
   *
   * @throws PosthornError `SECRET_INVALID` when a secret has the wrong form; TypeError for any other wrong option.
   */
  constructor(options: SignerOptions) {
    checkOptionNames('Signer', options, ['secret', 'scheme', 'clock'])
    const { secret, scheme = standardWebhooks, clock = Date.now } = options
    this.#scheme = checkScheme('Signer', scheme)
    this.#clock = checkClock('Signer', clock)
    const keys = createKeys('Signer', secret, scheme)
    this.#keys = scheme.signature.syntax === 'single' ? keys.slice(0, 1) : keys
  }

  /**
   * Signs one message and gives the headers to send with it, under the names that the scheme uses.
   *
   * @throws PosthornError `VALIDATION_FAILED` when id, timestamp, type or body cannot be signed unambiguously.
   */
  async sign(message: SignInput): Promise<Record<string, string>> {
    if (typeof message !== 'object' || message === null) throw unsignable('message', 'must be an object { id, body }')
    const { idHeader, timestampHeader, typeHeader, signature } = this.#scheme
    const signed = checkMessage(message, this.#scheme, this.#clock)
    const content = this.#scheme.signedContent(signed)
    const signatures: Uint8Array[] = []
    for (const key of this.#keys) {
      const made = key.sign(content)
      signatures.push(made instanceof Promise ? await made : made)
    }
    return {
      ...(idHeader === null ? {} : { [idHeader]: signed.id }),
      ...(timestampHeader === null ? {} : { [timestampHeader]: signed.timestamp }),
      ...(typeHeader === null ? {} : { [typeHeader]: message.type ?? '' }),
      [signature.header]: formatSignatures(signatures, signature),
    }
  }
}

function checkMessage({ id, timestamp, type, body }: SignInput, scheme: Scheme, clock: Clock): SignedMessage {
  if (typeof id !== 'string' || id.length > 256 || !isHeaderToken(id) || id.includes('.')) {
    throw unsignable('id', 'must be 1 to 256 printable ASCII characters without space, comma and full stop')
  }
  if (timestamp !== undefined && !(timestamp instanceof Date)) throw unsignable('timestamp', 'must be a Date')
  const seconds = Math.floor((timestamp?.getTime() ?? clock()) / 1000)
  if (!(seconds >= 0 && seconds < firstMillisecondSeconds)) {
    throw unsignable('timestamp', 'must be a valid Date between the years 1970 and 5138')
  }
  if (scheme.typeHeader !== null && (typeof type !== 'string' || !isEventType(type))) {
    throw unsignable(
      'type',
      `must be an event type such as order.paid, because ${scheme.name} sends it as ${scheme.typeHeader}`,
    )
  }
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw unsignable('body', 'must be the text or bytes that are sent, serialized before signing')
  }
  return { id, timestamp: String(seconds), body }
}

function unsignable(path: string, message: string): PosthornError {
  return new PosthornError('VALIDATION_FAILED', `Cannot sign: ${path} ${message}.`, { issues: [{ path, message }] })
}
