import type { Clock } from '../domain/clock.ts'
import { PosthornError } from '../domain/error.ts'
import type { Content } from './crypto-seam.ts'
import { bodyToBytes, readRequestBody } from './body-reader.ts'
import { isEqual } from '#crypto'
import { type HeadersInput, type HeaderTexts, invalid, readHeaders, readText } from './header-reader.ts'
import type { KeySource, VerifyKey } from './key.ts'
import { createKeySource, type SecretInput } from './keys.ts'
import { checkOptions, liftableLimit, limit } from './options.ts'
import {
  checkScheme,
  type Place,
  type Scheme,
  type SignedContent,
  type SignedContents,
  type SignedMessage,
} from './scheme.ts'
import { standardWebhooks } from './schemes/standard-webhooks.ts'
import { isPending } from './pending.ts'
import { listSignatures } from './signature-header.ts'
import { checkTimestamp } from './timestamp.ts'
import { payloadText, Received, type VerifiedWebhook } from './verified-webhook.ts'
import type { RawRequest, VerifyInput } from './verify-input.ts'

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
  /** How old a message may be, in milliseconds, at least 1, and the second that most senders cut off; what the scheme's provider says unless given, mostly 300,000. Only `false` accepts any age. */
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

/** Proves that a request was signed by the holder of a secret, over these very bytes and, where the scheme signs the time, recently. */
export class Verifier {
  /** The scheme that it verifies. */
  declare readonly scheme: Scheme
  /** The largest body that it accepts, in bytes. */
  declare readonly maxBodyBytes: number
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
  declare readonly verify: (input: VerifyInput, options?: VerifyOptions) => Promise<VerifiedWebhook>
  /** Gives the keys that it judges by, for {@link answerHandshake}; those of a shared secret can sign, so keep it as you keep the secret. */
  declare readonly keySource: KeySource

  /**
   * Creates a verifier; the keys are prepared once, so keep it.
   *
   * @throws PosthornError `SECRET_INVALID` when a secret has the wrong form; TypeError for any other wrong
   * option, one that the scheme has no use for included.
   */
  constructor(options: VerifierOptions) {
    const { secret, scheme = standardWebhooks, maxBodyBytes = 1_048_576, acceptsDottedIds, clock = Date.now } = options
    const { signature, eventId, eventType, timestamp, covers, name, isInBody } = checkScheme('Verifier', scheme)
    const isIdSigned = covers.includes('id')
    checkOptions(`Verifier for ${name}`, options, {
      secret: '',
      scheme: '',
      maxBodyBytes: limit,
      clock: 'a function',
      ...(timestamp && { maxAgeMs: liftableLimit, maxFutureMs: liftableLimit }),
      ...(isIdSigned && { acceptsDottedIds: 'a boolean' }),
    })
    const { maxAgeMs = timestamp?.maxAgeMs ?? 300_000, maxFutureMs = timestamp?.maxFutureMs ?? 60_000 } = options
    const freshness: VerifiedWebhook['freshness'] = timestamp
      ? maxAgeMs && maxFutureMs
        ? 'signed'
        : 'unchecked'
      : (scheme.freshness ?? 'none')
    const keySource = createKeySource(secret, scheme)
    // A dot would let the end of the id and the start of what follows be read in two ways (Standard Webhooks, "Signature scheme").
    const idForm = !isIdSigned ? undefined : acceptsDottedIds ? /^[!-~]*$/ : /^[!-\-/-~]*$/

    this.scheme = scheme
    this.maxBodyBytes = maxBodyBytes
    this.verify = async (input, given = {}) => {
      let content: SignedContent | null | undefined
      try {
        checkOptions('verify', given, { signal: '' })
        const { signal } = given
        signal?.throwIfAborted()
        // as: each member is checked where it is read.
        const { headers, body: sentBody, method = 'POST', url = '', bodyUsed } = input as Partial<RawRequest & Request>
        const readBody = () =>
          // By its shape, not instanceof: frameworks and polyfills bring a Request of their own.
          bodyUsed === undefined
            ? bodyToBytes(sentBody, maxBodyBytes)
            : readRequestBody(input as Request, maxBodyBytes, signal)

        const sent = readHeaders(headers as HeadersInput)
        let body = isInBody && readBody()
        if (isPending(body)) body = await body
        const texts = scheme.divide?.(sent, body as Uint8Array) ?? sent // as: there for whom it is promised to
        const id = textOf(texts, eventId, isIdSigned, idForm)
        const type = textOf(texts, eventType)
        const time = textOf(texts, timestamp?.place, true)
        let at = timestamp && time ? checkTimestamp(time, timestamp.unit, clock(), maxAgeMs, maxFutureMs) : null
        const entries = listSignatures(texts, signature)

        body ||= readBody()
        if (isPending(body)) body = await body
        const rawBody = body
        const message: SignedMessage = {
          id,
          timestamp: time,
          body,
          method: method.toUpperCase(),
          url,
          header: (text) => texts.get(text.toLowerCase()) ?? '',
        }
        const laidOut = scheme.signedContent(message)
        content = isPending(laidOut) ? await laidOut : laidOut

        const accept = ({ keyId, keyIndex, notAfterMs }: VerifyKey) => {
          if (!(clock() < notAfterMs)) throw new PosthornError('KEY_EXPIRED', 'The key has expired.')
          // Only now: nothing in a body is worth reading before its signature is known to be right.
          const received = new Received(rawBody)
          const find = (place: Place | null) => (place && !place.header ? payloadText(received, place) : null)
          if (timestamp && !at)
            at = checkTimestamp(find(timestamp.place) ?? '', timestamp.unit, clock(), maxAgeMs, maxFutureMs)
          return Object.freeze(
            Object.assign(received, {
              eventId: id || find(eventId),
              type: type || find(eventType),
              timestamp: at,
              keyId,
              keyIndex,
              covers,
              freshness,
              scheme: name,
            }),
          )
        }
        // Twice, because the sender may have changed its keys since they were fetched.
        for (const isRetry of content ? [false, true] : []) {
          let keys = keySource({ texts, isRetry, signal })
          if (isPending(keys)) keys = await keys
          for (const key of keys)
            for (const signed of (content as Partial<SignedContents>).anyOf ?? [content as Content]) {
              // Signed once, however many signatures there are.
              let made = key.sign?.(signed)
              if (isPending(made)) made = await made
              for (const entry of entries) {
                const prefix = signature.prefixes[key.algorithm]
                const bytes =
                  prefix != null && entry.startsWith(prefix) && signature.encoding.decode(entry.slice(prefix.length))
                if (bytes && bytes.length && (made ? isEqual(bytes, made) : await key.check?.(signed, bytes)))
                  return accept(key)
              }
            }
        }
        throw new PosthornError(
          'SIGNATURE_MISMATCH',
          `No signature in ${signature.header} fits: check the secret, and that the body is raw.`,
        )
      } catch (cause) {
        given?.signal?.throwIfAborted()
        throw cause instanceof PosthornError
          ? cause
          : // What is wrong with the call shows before that is laid out: only keys are left to fail.
            content
            ? new PosthornError('KEYS_UNAVAILABLE', 'No key can be used; see cause.', { cause })
            : new PosthornError('VALIDATION_FAILED', 'verify takes a Request or { headers, body }.', { cause })
      }
    }
    this.keySource = keySource
  }
}

/** Gives the text of a header, empty where there is none and need not be. */
const textOf = (texts: HeaderTexts, place?: Place | null, isRequired?: boolean, form = /^[ -~]*$/): string => {
  const header = place?.header
  const text = header ? readText(texts, header, isRequired) : ''
  if (form.test(text)) return text
  throw invalid(`${header} has a full stop or a forbidden character`)
}
