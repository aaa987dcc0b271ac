import { cryptoSeam } from '#crypto'
import type { Clock } from '../domain/clock.ts'
import { PosthornError } from '../domain/error.ts'
import type { HmacKey } from './crypto-seam.ts'
import { type HeaderTexts, requireHeader, requireOnce } from './header-reader.ts'
import { isHeaderToken } from './header-token.ts'
import { createKeys } from './keys.ts'
import { checkClock, checkLimit, checkOptionNames } from './options.ts'
import { checkScheme, type Scheme, type SignedMessage } from './scheme.ts'
import { standardWebhooks } from './schemes/standard-webhooks.ts'
import { parseSignatures } from './signature-header.ts'
import { checkTimestamp, type Tolerance } from './timestamp.ts'
import { createVerifiedWebhook, type VerifiedWebhook } from './verified-webhook.ts'
import { openInput, type VerifyInput } from './verify-input.ts'

/** Options of a {@link Verifier}. */
export interface VerifierOptions {
  /** The secret, or up to 16 of them while one is being replaced; any of them may have signed. */
  readonly secret: string | readonly string[] | undefined
  /** How the signature is laid out; {@link standardWebhooks} unless given. It is never guessed from the request. */
  readonly scheme?: Scheme
  /** How old a message may be, in milliseconds, at least 1; 300,000 unless given, as in every reference library. Only `false` accepts any age. */
  readonly maxAgeMs?: number | false
  /** How far ahead of our clock a message may be, in milliseconds, at least 1; 300,000 unless given. Only `false` accepts any. */
  readonly maxFutureMs?: number | false
  /** The largest body accepted, in bytes; 1,048,576 unless given (Standard Webhooks advises senders to stay under 20 kB). */
  readonly maxBodyBytes?: number
  /** Whether ids with a full stop are accepted, from senders who choose the ids themselves; false unless given, because such an id is ambiguous. */
  readonly acceptsDottedIds?: boolean
  /** Tells the time; `Date.now` unless given. */
  readonly clock?: Clock
}

/** Options of {@link Verifier.verify}. */
export interface VerifyOptions {
  /** Gives up reading a request's body; `verify` then rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

const optionNames = ['secret', 'scheme', 'maxAgeMs', 'maxFutureMs', 'maxBodyBytes', 'acceptsDottedIds', 'clock']

/** Proves that a request was signed by the holder of a secret, over these very bytes and, where the scheme signs the time, recently. */
export class Verifier {
  readonly #scheme: Scheme
  readonly #headerNames: readonly string[]
  readonly #keys: readonly HmacKey[]
  readonly #tolerance: Tolerance
  readonly #maxBodyBytes: number
  readonly #acceptsDottedIds: boolean
  readonly #clock: Clock

  /**
   * Creates a verifier; the keys are prepared once, so keep it.
   *
   * @throws PosthornError `SECRET_INVALID` when a secret has the wrong form; TypeError or RangeError for any other wrong
   * option, one that the scheme has no use for included.
   */
  constructor(options: VerifierOptions) {
    checkOptionNames('Verifier', options, optionNames)
    const { secret, scheme = standardWebhooks, clock = Date.now } = options
    const { maxAgeMs = 300_000, maxFutureMs = 300_000, maxBodyBytes = 1_048_576, acceptsDottedIds = false } = options
    this.#scheme = checkScheme('Verifier', scheme)
    checkUse(options, scheme)
    this.#headerNames = [scheme.signature.header, scheme.idHeader, scheme.timestampHeader, scheme.typeHeader].flatMap(
      (name) => (name === null ? [] : [name.toLowerCase()]),
    )
    this.#keys = createKeys('Verifier', secret, scheme)
    this.#tolerance = {
      maxAgeMs: checkLimit('Verifier', 'maxAgeMs', maxAgeMs, true),
      maxFutureMs: checkLimit('Verifier', 'maxFutureMs', maxFutureMs, true),
    }
    this.#maxBodyBytes = checkLimit('Verifier', 'maxBodyBytes', maxBodyBytes, false)
    if (typeof acceptsDottedIds !== 'boolean') throw new TypeError('Verifier: acceptsDottedIds must be true or false.')
    this.#acceptsDottedIds = acceptsDottedIds
    this.#clock = checkClock('Verifier', clock)
  }

  /**
   * Verifies a request. Headers are judged before the body is read, and nothing is parsed before the signature is right.
   *
   * @throws PosthornError with one of these codes, whatever the request contains: `HEADER_MISSING`, `HEADER_DUPLICATE`,
   * `HEADER_INVALID`, `TIMESTAMP_INVALID`, `TIMESTAMP_UNIT`, `TIMESTAMP_TOO_OLD`, `TIMESTAMP_TOO_NEW`,
   * `SIGNATURE_MISMATCH`, `BODY_TOO_LARGE`, `BODY_UNREADABLE`; and for a wrong call `RAW_BODY_REQUIRED` when the body
   * was parsed or read before, `VALIDATION_FAILED` when it is no request at all or an option is unknown; the reason of the
   * signal where it is aborted.
   */
  async verify(input: VerifyInput, options: VerifyOptions = {}): Promise<VerifiedWebhook> {
    checkVerifyOptions(options)
    options.signal?.throwIfAborted()
    const { headers, readBody } = openInput(input, this.#headerNames)
    const id = this.#readId(headers)
    const { text: timestampText, at: timestamp } = this.#readTimestamp(headers)
    const type = this.#readType(headers)
    const { signature, name } = this.#scheme
    const candidates = parseSignatures(requireHeader(headers, signature.header), signature)
    // Nothing that could fit: not worth reading a body for.
    if (candidates.length === 0) throw this.#mismatch()

    const read = readBody(this.#maxBodyBytes, options.signal)
    const rawBody = read instanceof Promise ? await read : read
    const keyIndex = await this.#matchKey({ id: id ?? '', timestamp: timestampText, body: rawBody }, candidates)
    return createVerifiedWebhook({ eventId: id, type, timestamp, keyIndex, scheme: name, rawBody })
  }

  #readId(headers: HeaderTexts): string | null {
    const name = this.#scheme.idHeader
    if (name === null) return null
    const id = requireOnce(requireHeader(headers, name), name)
    // A dot would let the end of the id and the start of what follows be read in two ways (Standard Webhooks, "Signature scheme").
    if (isHeaderToken(id) && (this.#acceptsDottedIds || !id.includes('.'))) return id
    throw new PosthornError('HEADER_INVALID', `The header ${name} has a full stop, or a character that no id may have.`)
  }

  #readTimestamp(headers: HeaderTexts): { readonly text: string; readonly at: Date | null } {
    const name = this.#scheme.timestampHeader
    if (name === null) return { text: '', at: null }
    const text = requireOnce(requireHeader(headers, name), name)
    return { text, at: checkTimestamp(text, name, this.#clock(), this.#tolerance) }
  }

  #readType(headers: HeaderTexts): string | null {
    const name = this.#scheme.typeHeader
    const type = name === null ? undefined : headers.get(name.toLowerCase())
    if (name === null || type === undefined || type === '') return null
    if (isHeaderToken(requireOnce(type, name))) return type
    throw new PosthornError('HEADER_INVALID', `The header ${name} has a character that no event type may have.`)
  }

  async #matchKey(message: SignedMessage, candidates: readonly Uint8Array[]): Promise<number> {
    const content = this.#scheme.signedContent(message)
    for (const [index, key] of this.#keys.entries()) {
      const signing = key.sign(content)
      const expected = signing instanceof Promise ? await signing : signing
      if (candidates.some((candidate) => cryptoSeam.isEqual(candidate, expected))) return index
    }
    throw this.#mismatch()
  }

  #mismatch(): PosthornError {
    const advice = 'check the secret, and that the body is the bytes as they were received'
    return new PosthornError('SIGNATURE_MISMATCH', `No signature in ${this.#scheme.signature.header} fits: ${advice}.`)
  }
}

function checkVerifyOptions(options: VerifyOptions): void {
  const isKnown =
    typeof options === 'object' && options !== null && Object.keys(options).every((name) => name === 'signal')
  if (isKnown) return
  const issues = [{ path: 'options', message: 'must be an object with signal, or nothing' }]
  throw new PosthornError('VALIDATION_FAILED', 'Cannot verify: options must be an object with signal, or nothing.', {
    issues,
  })
}

function checkUse(options: VerifierOptions, scheme: Scheme): void {
  const hasTolerance = typeof options.maxAgeMs === 'number' || typeof options.maxFutureMs === 'number'
  if (scheme.timestampHeader === null && hasTolerance) {
    throw new TypeError(
      `Verifier: maxAgeMs and maxFutureMs have no use, because the scheme ${scheme.name} signs no time.`,
    )
  }
  if (scheme.idHeader === null && options.acceptsDottedIds === true) {
    throw new TypeError(`Verifier: acceptsDottedIds has no use, because the scheme ${scheme.name} has no id.`)
  }
}
