import type { Clock } from '../domain/clock.ts'
import { PosthornError } from '../domain/error.ts'
import type { Content } from './crypto-seam.ts'
import { bodyToBytes, readRequestBody } from './body-reader.ts'
import { type HeaderTexts, invalid, readHeaders, readText } from './header-reader.ts'
import type { KeySource, VerifyKey } from './key.ts'
import { createVerifyKeys, type SecretInput } from './keys.ts'
import { memberOf } from './member.ts'
import { checkOptions, liftableLimit, limit } from './options.ts'
import { checkScheme, type HandshakeAnswer, type Place, type Scheme, type SignedMessage } from './scheme.ts'
import { standardWebhooks } from './schemes/standard-webhooks.ts'
import { parseSignatures } from './signature-header.ts'
import { checkTimestamp, seconds, type Tolerance } from './timestamp.ts'
import { createVerifiedWebhook, parseJson, payloadText, type VerifiedWebhook } from './verified-webhook.ts'
import type { VerifyInput } from './verify-input.ts'

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

const owner = 'Verifier'
const verifierOptions = {
  secret: '',
  scheme: '',
  maxAgeMs: liftableLimit,
  maxFutureMs: liftableLimit,
  maxBodyBytes: limit,
  acceptsDottedIds: 'a boolean',
  clock: 'a function',
} as const
const verifyOptions = { signal: '' } as const

/** Proves that a request was signed by the holder of a secret, over these very bytes and, where the scheme signs the time, recently. */
export class Verifier {
  /** The scheme that it verifies. */
  readonly scheme: Scheme
  /** The largest body that it accepts, in bytes. */
  readonly maxBodyBytes: number
  readonly #headerNames: readonly string[]
  readonly #keys: readonly VerifyKey[] | KeySource
  readonly #tolerance: Tolerance
  readonly #freshness: VerifiedWebhook['freshness']
  readonly #acceptsDottedIds: boolean
  readonly #clock: Clock

  /**
   * Creates a verifier; the keys are prepared once, so keep it.
   *
   * @throws PosthornError `SECRET_INVALID` when a secret has the wrong form; TypeError or RangeError for any other wrong
   * option, one that the scheme has no use for included.
   */
  constructor(options: VerifierOptions) {
    checkOptions(owner, options, verifierOptions)
    const { secret, scheme = standardWebhooks } = options
    const { signature, eventId, eventType, timestamp, covers, otherHeaders = [] } = checkScheme(owner, scheme)
    const uses = { maxAgeMs: timestamp, maxFutureMs: timestamp, acceptsDottedIds: covers.includes('id') }
    for (const [name, isUsed] of Object.entries(uses))
      if (!isUsed && memberOf(options, name)) throw new TypeError(`${owner}: ${name} has no use with ${scheme.name}.`)
    this.scheme = scheme
    this.maxBodyBytes = options.maxBodyBytes ?? 1_048_576
    this.#headerNames = [signature, eventId, eventType, timestamp?.place]
      .flatMap((place) => place?.header ?? [])
      .concat(otherHeaders)
      .map((name) => name.toLowerCase())
    this.#keys = createVerifyKeys(secret, scheme)
    const maxAgeMs = options.maxAgeMs ?? timestamp?.maxAgeMs ?? 300_000
    const maxFutureMs = options.maxFutureMs ?? timestamp?.maxFutureMs ?? 60_000
    this.#tolerance = { maxAgeMs, maxFutureMs }
    this.#freshness = timestamp
      ? maxAgeMs && maxFutureMs
        ? 'signed'
        : 'unchecked'
      : scheme.hasUnsignedTime
        ? 'unsigned'
        : 'none'
    this.#acceptsDottedIds = options.acceptsDottedIds ?? false
    this.#clock = options.clock ?? Date.now
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
    let content: Content | null | undefined
    try {
      checkOptions('verify', options, verifyOptions)
      const { signal } = options
      signal?.throwIfAborted()
      if (!('headers' in input)) throw new TypeError('no headers')
      // as: each member is checked where it is read.
      const { headers, body: given, method, url, bodyUsed } = input as Partial<Record<keyof Request, unknown>>
      const { scheme } = this
      const { signature, eventId, eventType, timestamp, covers, divideBody } = scheme
      const readBody = () =>
        // By its shape, not instanceof: frameworks and polyfills bring a Request of their own.
        bodyUsed === undefined
          ? bodyToBytes(given, this.maxBodyBytes)
          : readRequestBody(input as Request, this.maxBodyBytes, signal)
      const mismatch = () =>
        new PosthornError(
          'SIGNATURE_MISMATCH',
          `No signature in ${signature.header} fits: check the secret, and that the body is raw.`,
        )
      const checkTime = (text: string) =>
        checkTimestamp(text, timestamp?.unit ?? seconds, this.#clock(), this.#tolerance)

      const sent = readHeaders(headers, this.#headerNames)
      const body = divideBody && (await readBody())
      const texts = (body ? divideBody?.(body, sent) : scheme.divideHeaders?.(sent)) ?? sent
      const id = this.#find(eventId, texts, covers.includes('id'))
      const type = this.#find(eventType, texts, false)
      const { header: timeHeader, body: timePath } = timestamp?.place ?? {}
      const time = timeHeader ? readText(texts, timeHeader, true) : ''
      let at = time ? checkTime(time) : null
      const candidates = parseSignatures(texts, signature)
      // Nothing that could fit: not worth reading a body for.
      if (!candidates) throw mismatch()

      const reading = body ?? readBody()
      const rawBody = reading instanceof Promise ? await reading : reading
      const message: SignedMessage = {
        id: typeof id === 'string' ? id : '',
        timestamp: time,
        body: rawBody,
        method: typeof method === 'string' ? method.toUpperCase() : 'POST',
        url: typeof url === 'string' ? url : '',
        header(text) {
          const name = text.toLowerCase()
          // What a scheme looks for in the body must not come from a header, by whoever took it out of the body.
          return texts.get(name) ?? (divideBody ? '' : (readHeaders(headers, [name]).get(name) ?? ''))
        },
      }
      const laidOut = scheme.signedContent(message)
      content = laidOut instanceof Promise ? await laidOut : laidOut
      if (!content) throw mismatch()
      for (let isRetry = false; ; isRetry = true) {
        const source = this.#keys
        const isSource = typeof source === 'function'
        for (const { algorithm, id: keyId, index: keyIndex, notAfterMs, matches } of isSource
          ? await source({ texts, isRetry, signal })
          : source) {
          const signatures = candidates[algorithm]
          if (!signatures) continue
          const matching = matches(content, signatures)
          // By its value, not instanceof: a promise of another kind must not pass for true.
          let isMatch = matching === true || (matching && (await matching))
          for (const other of isMatch ? [] : (scheme.otherContents?.(message) ?? []))
            isMatch ||= await matches(other, signatures)
          if (!isMatch) continue
          if (notAfterMs < Infinity && !(this.#clock() < notAfterMs))
            throw new PosthornError('KEY_EXPIRED', 'The key that signed has expired.')
          // Only now: nothing in a body is worth reading before its signature is known to be right.
          if (timePath) at = checkTime(payloadText(() => parseJson(rawBody), timePath) ?? '')
          return createVerifiedWebhook(
            { timestamp: at, keyId, keyIndex, covers, freshness: this.#freshness, scheme: scheme.name },
            rawBody,
            id,
            type,
          )
        }
        // The sender may have changed its keys since they were fetched.
        if (isRetry || !isSource) throw mismatch()
      }
    } catch (error) {
      options?.signal?.throwIfAborted()
      if (error instanceof PosthornError) throw error
      // What is wrong with the call shows before that is laid out: only keys are left to fail.
      if (content)
        throw new PosthornError('KEYS_UNAVAILABLE', 'No key could be had that this runtime can use; see cause.', {
          cause: error,
        })
      const message = 'verify takes a readable Request or { headers, body }, and { signal }'
      throw new PosthornError('VALIDATION_FAILED', `${message}.`, { cause: error, issues: [{ path: '', message }] })
    }
  }

  /**
   * Gives the answer to a verified request that is no event, such as a ping or a challenge that wants a signature back;
   * null for an event. Send it instead of handling the request.
   */
  async handshake(verified: VerifiedWebhook): Promise<HandshakeAnswer | null> {
    const keys = typeof this.#keys === 'function' ? [] : this.#keys
    const key = keys.find(({ index }) => index === verified.keyIndex)
    const sign = async (text: string) => (await key?.sign?.([text])) ?? new Uint8Array(0)
    return (await this.scheme.handshake?.(verified, sign)) ?? null
  }

  #find(place: Place | null, texts: HeaderTexts, isSigned: boolean): string | null | Place {
    const header = place?.header
    if (!header) return place
    const text = readText(texts, header, isSigned)
    // A dot would let the end of the id and the start of what follows be read in two ways (Standard Webhooks, "Signature scheme").
    const allowed = isSigned ? (this.#acceptsDottedIds ? /^[!-~]+$/ : /^[!-\-/-~]+$/) : /^[ -~]*$/
    if (allowed.test(text)) return text || null
    throw invalid(`${header} has a full stop, or another character that it may not have`)
  }
}
