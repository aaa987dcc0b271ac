import { ownBytes } from '#crypto'
import { PosthornError } from '../domain/error.ts'
import type { Covered, Place } from './coverage.ts'
import { memberAt } from './member.ts'

/** What was proven about a request, by {@link Verifier.verify}. */
export interface VerifiedWebhook {
  /**
   * The event's id, the same on every attempt: use it to do the work once. Null where the scheme has none, or its place is
   * empty or has a number over 2^53, which JSON rounds. It is signed where {@link VerifiedWebhook.covers} has `id`, or the scheme reads it in a body that is covered.
   */
  readonly eventId: string | null
  /**
   * The event type, from the scheme's header or member of the body; null where the scheme has none (Standard Webhooks:
   * read it in the payload) or it is absent. A header with the type is not signed: whoever replays a request can change it.
   */
  readonly type: string | null
  /** The signed time of the attempt; null where the scheme signs none, so that a replay cannot be seen by its age. */
  readonly timestamp: Date | null
  /** The name of the key that signed it, as given with the secret or in the sender's key list; null where it has none. */
  readonly keyId: string | null
  /** Which of the verifier's secrets signed it, counted from 0: once 1 and up are no longer seen, the old ones can go. */
  readonly keyIndex: number
  /** What the signature covers. Without `body`, what the body says may have been written by whoever captured a request. */
  readonly covers: readonly Covered[]
  /**
   * What is known about the time: `signed`: near enough to now; `unchecked`: signed, but the verifier accepts any;
   * `unsigned`: the sender names one, which anybody can change and nobody used; `none`.
   */
  readonly freshness: 'signed' | 'unchecked' | 'unsigned' | 'none'
  /** The name of the scheme that it was verified with. */
  readonly scheme: string
  /** The verified bytes: a copy, with a byte order mark and whatever else was sent. */
  readonly rawBody: Uint8Array
  /**
   * The body parsed as JSON, at the first access; undefined for an empty body. Of repeated names the last counts.
   * Members named `__proto__` are left out at every depth, because copying them would change an object's prototype.
   *
   * @throws PosthornError `PAYLOAD_INVALID` when the body is not UTF-8 or not JSON.
   */
  readonly payload: unknown
}

/** A body, with its payload parsed when somebody asks for it, from the very bytes that were verified. */
// A class, because its getters are made once; those of an object literal cost as much as the signature of a small body.
export class Received {
  #body: Uint8Array
  #payload: unknown

  constructor(body: Uint8Array) {
    this.#body = body
  }

  get rawBody(): Uint8Array {
    return (this.#body = ownBytes(this.#body))
  }

  get payload(): unknown {
    return (this.#payload ??= parseJson(this.#body))
  }
}

/** Reads a text or whole number of the payload, from a dotted path or as the place computes it; null where it, or any payload, is missing. */
export const payloadText = (received: { readonly payload: unknown }, { body = '', read }: Place): string | null => {
  try {
    const { payload } = received
    const value = read ? read(payload) : memberAt(payload, body)
    // A larger number was rounded, and may be that of another event.
    return typeof value === 'string' || Number.isSafeInteger(value) ? String(value) : null
  } catch {
    return null // No JSON: then it has no such member either.
  }
}

// fatal: bytes that are not UTF-8 must not turn into U+FFFD, which somebody else may have signed.
const decoder = new TextDecoder(undefined, { fatal: true })

/** Parses a body as JSON in UTF-8, without members named `__proto__`. */
export const parseJson = (body: Uint8Array): unknown => {
  if (!body.length) return undefined
  try {
    const text = decoder.decode(body)
    // Escaped ASCII letters may spell that name too; nobody else writes them.
    return JSON.parse(
      text,
      /__proto__|\\u00[5-7]/.test(text)
        ? (name: string, value: unknown) => (name === '__proto__' ? undefined : value)
        : undefined,
    )
  } catch {
    // Without the cause, whose message quotes the body.
    throw new PosthornError('PAYLOAD_INVALID', 'The body is no JSON in UTF-8: read rawBody.')
  }
}
