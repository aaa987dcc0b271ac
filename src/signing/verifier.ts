import type { Clock } from '../domain/clock.ts'
import { PosthornError } from '../domain/error.ts'
import type { Content } from './crypto-seam.ts'
import { type HeaderTexts, requireHeader, requireOnce } from './header-reader.ts'
import type { KeyQuery, KeySource, VerifyKey } from './key.ts'
import { createVerifyKeys, type SecretInput } from './keys.ts'
import { checkClock, checkLimit, checkOptionNames } from './options.ts'
import { headerNames, messageOf, timeIn } from './received-message.ts'
import { checkScheme, type HandshakeAnswer, type Place, type Scheme, type SignedMessage } from './scheme.ts'
import { standardWebhooks } from './schemes/standard-webhooks.ts'
import { type Candidate, parseSignatures } from './signature-header.ts'
import { checkTimestamp, type Tolerance } from './timestamp.ts'
import { createVerifiedWebhook, parseJson, payloadText, type VerifiedWebhook } from './verified-webhook.ts'
import { openInput, type VerifyInput } from './verify-input.ts'

/** Options of a {@link Verifier}. */
export interface VerifierOptions {
  /**
   * The secret, or up to 16 of them while one is being replaced; any of them may have signed. For Standard Webhooks
   * `whsec_…` or the public key `whpk_…`, or a {@link KeySource} such as `keyList` for a sender who publishes keys.
   * Left out for schemes that find the sender's keys themselves.
   */
  readonly secret?: SecretInput | readonly SecretInput[] | KeySource
  /** How the signature is laid out; {@link standardWebhooks} unless given. It is never guessed from the request. */
  readonly scheme?: Scheme
  /** How old a message may be, in milliseconds, at least 1; what the scheme's provider says unless given, mostly 300,000. Only `false` accepts any age. */
  readonly maxAgeMs?: number | false
  /** How far ahead of our clock a message may be, in milliseconds, at least 1; 300,000 for most schemes unless given. Only `false` accepts any. */
  readonly maxFutureMs?: number | false
  /** The largest body accepted, in bytes; 1,048,576 unless given (Standard Webhooks advises senders to stay under 20 kB). */
  readonly maxBodyBytes?: number
  /** Whether signed ids with a full stop are accepted, from senders who choose the ids themselves; false unless given, because such an id is ambiguous. */
  readonly acceptsDottedIds?: boolean
  /** Tells the time; `Date.now` unless given. */
  readonly clock?: Clock
}

/** Options of {@link Verifier.verify}. */
export interface VerifyOptions {
  /** Gives up reading a request's body or fetching keys; `verify` then rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

const optionNames = ['secret', 'scheme', 'maxAgeMs', 'maxFutureMs', 'maxBodyBytes', 'acceptsDottedIds', 'clock']

/** Proves that a request was signed by the holder of a secret, over these very bytes and, where the scheme signs the time, recently. */
export class Verifier {
  /** The scheme that it verifies. */
  readonly scheme: Scheme
  /** The largest body that it accepts, in bytes. */
  readonly maxBodyBytes: number
  readonly #headerNames: readonly string[]
  readonly #keys: readonly VerifyKey[] | KeySource
  readonly #tolerance: Tolerance
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
    const { secret, scheme = standardWebhooks, clock = Date.now, acceptsDottedIds = false } = options
    this.scheme = checkScheme('Verifier', scheme)
    checkUse(options, scheme)
    const { maxAgeMs = scheme.timestamp?.maxAgeMs ?? 300_000, maxFutureMs = scheme.timestamp?.maxFutureMs ?? 300_000 } =
      options
    this.#headerNames = headerNames(scheme)
    this.#keys = createVerifyKeys(secret, scheme)
    this.#tolerance = {
      maxAgeMs: checkLimit('Verifier', 'maxAgeMs', maxAgeMs, true),
      maxFutureMs: checkLimit('Verifier', 'maxFutureMs', maxFutureMs, true),
    }
    this.maxBodyBytes = checkLimit('Verifier', 'maxBodyBytes', options.maxBodyBytes ?? 1_048_576, false)
    if (typeof acceptsDottedIds !== 'boolean') throw new TypeError('Verifier: acceptsDottedIds must be true or false.')
    this.#acceptsDottedIds = acceptsDottedIds
    this.#clock = checkClock('Verifier', clock)
  }

  /**
   * Verifies a request. Headers are judged before the body is read, and nothing is parsed before the signature is right,
   * except by schemes that put the signature into the body.
   *
   * @throws PosthornError with one of these codes, whatever the request contains: `HEADER_MISSING`, `HEADER_DUPLICATE`,
   * `HEADER_INVALID`, `TIMESTAMP_INVALID`, `TIMESTAMP_UNIT`, `TIMESTAMP_TOO_OLD`, `TIMESTAMP_TOO_NEW`,
   * `SIGNATURE_MISMATCH`, `KEY_EXPIRED`, `KEYS_UNAVAILABLE`, `BODY_TOO_LARGE`, `BODY_UNREADABLE`; and for a wrong call
   * `RAW_BODY_REQUIRED` when the body was parsed or read before, `VALIDATION_FAILED` when it is no request at all or an
   * option is unknown; the reason of the signal where it is aborted.
   */
  async verify(input: VerifyInput, options: VerifyOptions = {}): Promise<VerifiedWebhook> {
    const signal = signalOf(options)
    signal?.throwIfAborted()
    const { scheme } = this
    const request = openInput(input)
    const headers = request.readTexts(this.#headerNames)
    const read = () => request.readBody(this.maxBodyBytes, signal)
    let body = scheme.divideBody && (await read())
    const texts = (body ? scheme.divideBody?.(body, headers) : scheme.divideHeaders?.(headers)) ?? headers
    const id = this.#find(scheme.eventId, texts, scheme.covers.includes('id'))
    const type = this.#find(scheme.eventType, texts, false)
    const time = timeIn(texts, scheme)
    const checked = time === null ? null : this.#checkTime(time)
    const candidates = parseSignatures(requireHeader(texts, scheme.signature.header), scheme.signature)
    // Nothing that could fit: not worth reading a body for.
    if (candidates.length === 0) throw mismatch(scheme)

    if (body === undefined) {
      const reading = read()
      body = reading instanceof Promise ? await reading : reading
    }
    const message = messageOf(request, texts, { id: typeof id === 'string' ? id : '', timestamp: time ?? '', body })
    const key = await this.#findKey(message, candidates, { texts, isRetry: false, signal })
    return createVerifiedWebhook(
      {
        timestamp: checked ?? this.#timeInBody(body),
        keyId: key.id,
        keyIndex: key.index,
        covers: scheme.covers,
        freshness: this.#freshness(),
        scheme: scheme.name,
        rawBody: body,
      },
      { eventId: id, type },
    )
  }

  /**
   * Gives the answer to a verified request that is no event, such as a ping or a challenge that wants a signature back;
   * null for an event. Send it instead of handling the request.
   */
  async handshake(verified: VerifiedWebhook): Promise<HandshakeAnswer | null> {
    const sign = async (text: string): Promise<Uint8Array> => {
      const keys = typeof this.#keys === 'function' ? [] : this.#keys
      return (await keys.find(({ index }) => index === verified.keyIndex)?.sign?.([text])) ?? new Uint8Array(0)
    }
    return (await this.scheme.handshake?.(verified, sign)) ?? null
  }

  #find(place: Place | null, texts: HeaderTexts, isSigned: boolean): string | null | Place {
    if (place === null || 'body' in place) return place
    const { header } = place
    const text = isSigned ? requireHeader(texts, header) : texts.get(header.toLowerCase())
    if (!text) return null
    // A dot would let the end of the id and the start of what follows be read in two ways (Standard Webhooks, "Signature scheme").
    const allowed = !isSigned ? /^[ -~]+$/ : this.#acceptsDottedIds ? /^[!-~]+$/ : /^[!-\x2d/-~]+$/
    if (allowed.test(requireOnce(text, header))) return text
    throw new PosthornError(
      'HEADER_INVALID',
      `The header ${header} has a full stop or another character that it may not have.`,
    )
  }

  #checkTime(text: string): Date | null {
    const { timestamp } = this.scheme
    return (
      timestamp &&
      checkTimestamp(text, timestamp.unit, Object.values(timestamp.place).join(), this.#clock(), this.#tolerance)
    )
  }

  // Only now: nothing in a body is worth reading before its signature is known to be right.
  #timeInBody(body: Uint8Array): Date | null {
    const place = this.scheme.timestamp?.place
    if (place === undefined || 'header' in place) return null
    return this.#checkTime(payloadText(() => parseJson(body), place.body) ?? '')
  }

  #freshness(): VerifiedWebhook['freshness'] {
    const { timestamp, hasUnsignedTime } = this.scheme
    if (timestamp === null) return hasUnsignedTime ? 'unsigned' : 'none'
    return this.#tolerance.maxAgeMs === false ? 'unchecked' : 'signed'
  }

  async #findKey(message: SignedMessage, candidates: readonly Candidate[], query: KeyQuery): Promise<VerifyKey> {
    const laidOut = this.scheme.signedContent(message)
    const content = laidOut instanceof Promise ? await laidOut : laidOut
    if (content === null) throw mismatch(this.scheme)
    if (typeof this.#keys !== 'function') return await this.#matchingKey(this.#keys, content, candidates)
    try {
      return await this.#matchingKey(await this.#keys(query), content, candidates)
    } catch (error) {
      // The sender may have changed keys since they were fetched.
      if (!(error instanceof PosthornError && error.code === 'SIGNATURE_MISMATCH')) throw error
      return await this.#matchingKey(await this.#keys({ ...query, isRetry: true }), content, candidates)
    }
  }

  async #matchingKey(
    keys: readonly VerifyKey[],
    content: Content,
    candidates: readonly Candidate[],
  ): Promise<VerifyKey> {
    let hasExpired = false
    for (const key of keys) {
      const signatures = candidates.filter(({ algorithm }) => algorithm === key.algorithm).map(({ bytes }) => bytes)
      if (signatures.length === 0) continue
      const matching = key.matches(content, signatures)
      if (!(matching instanceof Promise ? await matching : matching)) continue
      if (key.notAfterMs === Infinity || this.#clock() < key.notAfterMs) return key
      hasExpired = true
    }
    if (hasExpired)
      throw new PosthornError(
        'KEY_EXPIRED',
        'The key that signed is past its notAfter: the sender must use the newer one.',
      )
    throw mismatch(this.scheme)
  }
}

function signalOf(options: VerifyOptions): AbortSignal | undefined {
  if (typeof options === 'object' && options !== null && Object.keys(options).every((name) => name === 'signal')) {
    return options.signal
  }
  const message = 'options must be an object with signal, or nothing'
  throw new PosthornError('VALIDATION_FAILED', `Cannot verify: ${message}.`, { issues: [{ path: 'options', message }] })
}

function checkUse(options: VerifierOptions, { name, timestamp, covers }: Scheme): void {
  const hasTolerance = typeof options.maxAgeMs === 'number' || typeof options.maxFutureMs === 'number'
  if (timestamp === null && hasTolerance) {
    throw new TypeError(`Verifier: maxAgeMs and maxFutureMs have no use, because the scheme ${name} signs no time.`)
  }
  if (!covers.includes('id') && options.acceptsDottedIds === true) {
    throw new TypeError(`Verifier: acceptsDottedIds has no use, because the scheme ${name} signs no id.`)
  }
}

function mismatch({ signature }: Scheme): PosthornError {
  return new PosthornError(
    'SIGNATURE_MISMATCH',
    `No signature in ${signature.header} fits: check the secret, and that the body is the bytes as they were received.`,
  )
}
