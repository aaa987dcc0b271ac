import type { Clock } from '../domain/clock.ts'
import { PosthornError } from '../domain/error.ts'
import type { Content } from './crypto-seam.ts'
import { type HeaderTexts, invalid, requireHeader, requireOnce } from './header-reader.ts'
import type { KeyQuery, KeySource, VerifyKey } from './key.ts'
import { createVerifyKeys, type SecretInput } from './keys.ts'
import { checkLimit, checkOptionNames, checkType } from './options.ts'
import { headerNames, headerOf, messageOf, timeIn } from './received-message.ts'
import { checkScheme, type HandshakeAnswer, type Place, type Scheme } from './scheme.ts'
import { standardWebhooks } from './schemes/standard-webhooks.ts'
import { type Candidate, parseSignatures } from './signature-header.ts'
import { checkTimestamp, seconds, type Tolerance } from './timestamp.ts'
import { createVerifiedWebhook, parseJson, payloadText, type VerifiedWebhook } from './verified-webhook.ts'
import { openInput, type ReceivedRequest, type VerifyInput } from './verify-input.ts'

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
  /** How far ahead of our clock a message may be, in milliseconds, at least 1; what the scheme says unless given: 300,000 for Standard Webhooks, 60,000 for all others. Only `false` accepts any. */
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

type Found = VerifyKey | null

const owner = 'Verifier'
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
    checkOptionNames(owner, options, optionNames)
    const { secret, scheme = standardWebhooks, clock = Date.now, acceptsDottedIds = false } = options
    this.scheme = checkScheme(owner, scheme)
    const { timestamp, covers } = scheme
    const useless = timestamp === null ? ['maxAgeMs', 'maxFutureMs'] : []
    if (!covers.includes('id')) useless.push('acceptsDottedIds')
    for (const name of useless) {
      // as: the names are those of options.
      if (options[name as keyof VerifierOptions])
        throw new TypeError(`${owner}: ${name} has no use with ${scheme.name}.`)
    }
    const { maxAgeMs = timestamp?.maxAgeMs ?? 300_000, maxFutureMs = timestamp?.maxFutureMs ?? 60_000 } = options
    this.#headerNames = headerNames(scheme)
    this.#keys = createVerifyKeys(secret, scheme)
    this.#tolerance = {
      maxAgeMs: checkLimit(owner, 'maxAgeMs', maxAgeMs, true),
      maxFutureMs: checkLimit(owner, 'maxFutureMs', maxFutureMs, true),
    }
    this.maxBodyBytes = checkLimit(owner, 'maxBodyBytes', options.maxBodyBytes ?? 1_048_576, false)
    this.#acceptsDottedIds = checkType(owner, 'acceptsDottedIds', acceptsDottedIds, 'boolean')
    this.#clock = checkType(owner, 'clock', clock, 'function')
  }

  /**
   * Verifies a request. Headers are judged before the body is read, and nothing is parsed before the signature is right,
   * except by schemes that put the signature into the body.
   *
   * @throws PosthornError with one of these codes, whatever the request contains: `HEADER_MISSING`, `HEADER_DUPLICATE`,
   * `HEADER_INVALID`, `TIMESTAMP_INVALID`, `TIMESTAMP_UNIT`, `TIMESTAMP_TOO_OLD`, `TIMESTAMP_TOO_NEW`,
   * `SIGNATURE_MISMATCH`, `KEY_EXPIRED`, `KEYS_UNAVAILABLE`, `BODY_TOO_LARGE`, `BODY_UNREADABLE`, and `PAYLOAD_INVALID` by
   * schemes that have the signature in the body, where that is no JSON; and for a wrong call `RAW_BODY_REQUIRED` when the body
   * was parsed or read before, `VALIDATION_FAILED` when it is no request at all or an option is unknown; the reason of the
   * signal where it is aborted.
   */
  async verify(input: VerifyInput, options: VerifyOptions = {}): Promise<VerifiedWebhook> {
    try {
      checkOptionNames('verify', options, ['signal'])
      options.signal?.throwIfAborted()
      return await this.#prove(openInput(input), options.signal)
    } catch (error) {
      options?.signal?.throwIfAborted()
      if (error instanceof PosthornError) throw error
      const message = 'verify takes a readable Request or { headers, body }, and { signal }'
      throw new PosthornError('VALIDATION_FAILED', `${message}.`, { cause: error, issues: [{ path: '', message }] })
    }
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

  async #prove(request: ReceivedRequest, signal: AbortSignal | undefined): Promise<VerifiedWebhook> {
    const { scheme } = this
    const { signature, timestamp, covers } = scheme
    const headers = request.readTexts(this.#headerNames)
    const read = () => request.readBody(this.maxBodyBytes, signal)
    let body = scheme.divideBody && (await read())
    const texts = (body ? scheme.divideBody?.(body, headers) : scheme.divideHeaders?.(headers)) ?? headers
    const id = this.#find(scheme.eventId, texts, covers.includes('id'))
    const type = this.#find(scheme.eventType, texts, false)
    const time = timeIn(texts, scheme)
    const at = time === '' ? null : this.#checkTime(time)
    const candidates = parseSignatures(requireHeader(texts, signature.header), signature)
    // Nothing that could fit: not worth reading a body for.
    if (candidates.length === 0) throw this.#mismatch()

    if (body === undefined) {
      const reading = read()
      body = reading instanceof Promise ? await reading : reading
    }
    const message = messageOf(request, texts, id, time, body, scheme)
    const laidOut = scheme.signedContent(message)
    const content = laidOut instanceof Promise ? await laidOut : laidOut
    const query = { texts, isRetry: false, signal }
    const finding = content && this.#findKey(content, candidates, query)
    let key = finding instanceof Promise ? await finding : finding
    for (const other of (key ? null : content && scheme.otherContents?.(message)) ?? [])
      key ??= await this.#findKey(other, candidates, query)
    if (!key) throw this.#mismatch()
    const place = timestamp?.place
    const proven = {
      // Only now: nothing in a body is worth reading before its signature is known to be right.
      timestamp: place && 'body' in place ? this.#checkTime(payloadText(() => parseJson(body), place.body) ?? '') : at,
      keyId: key.id,
      keyIndex: key.index,
      covers,
      freshness: timestamp
        ? this.#tolerance.maxAgeMs && this.#tolerance.maxFutureMs
          ? 'signed'
          : 'unchecked'
        : scheme.hasUnsignedTime
          ? 'unsigned'
          : 'none',
      scheme: scheme.name,
      rawBody: body,
    } as const
    return createVerifiedWebhook(proven, id, type)
  }

  #find(place: Place | null, texts: HeaderTexts, isSigned: boolean): string | null | Place {
    const header = headerOf(place)
    if (header === '') return place
    const text = isSigned ? requireHeader(texts, header) : texts.get(header.toLowerCase())
    if (!text) return null
    // A dot would let the end of the id and the start of what follows be read in two ways (Standard Webhooks, "Signature scheme").
    requireOnce(text, header)
    const isAllowed = isSigned
      ? /^[!-~]+$/.test(text) && (this.#acceptsDottedIds || !text.includes('.'))
      : /^[ -~]+$/.test(text)
    if (isAllowed) return text
    throw invalid(`${header} has a full stop, or another character that it may not have`)
  }

  #checkTime(text: string): Date {
    return checkTimestamp(text, this.scheme.timestamp?.unit ?? seconds, this.#clock(), this.#tolerance)
  }

  /** Finds the key that signed; at once where the keys are known and the runtime can tell at once. */
  #findKey(content: Content, candidates: readonly Candidate[], query: KeyQuery): Found | Promise<Found> {
    const source = this.#keys
    if (typeof source !== 'function') return this.#firstOf(source, 0, content, candidates)
    return source(query).then(async (keys) => {
      const key = await this.#firstOf(keys, 0, content, candidates)
      // The sender may have changed its keys since they were fetched.
      return key ?? (query.isRetry ? null : await this.#findKey(content, candidates, { ...query, isRetry: true }))
    })
  }

  #firstOf(
    keys: readonly VerifyKey[],
    start: number,
    content: Content,
    candidates: readonly Candidate[],
  ): Found | Promise<Found> {
    for (let index = start; index < keys.length; index++) {
      const key = keys[index]
      const signatures = candidates.filter(({ algorithm }) => algorithm === key?.algorithm).map(({ bytes }) => bytes)
      if (key === undefined || signatures.length === 0) continue
      const matching = key.matches(content, signatures)
      if (matching instanceof Promise) {
        return matching.then((isMatch) =>
          isMatch ? this.#unexpired(key) : this.#firstOf(keys, index + 1, content, candidates),
        )
      }
      if (matching) return this.#unexpired(key)
    }
    return null
  }

  #unexpired(key: VerifyKey): VerifyKey {
    if (key.notAfterMs === Infinity || this.#clock() < key.notAfterMs) return key
    throw new PosthornError('KEY_EXPIRED', 'The key that signed has expired.')
  }

  #mismatch(): PosthornError {
    const { header } = this.scheme.signature
    return new PosthornError(
      'SIGNATURE_MISMATCH',
      `No signature in ${header} fits: check the secret, and that the body is raw.`,
    )
  }
}
