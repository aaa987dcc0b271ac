import { PosthornError } from '../domain/error.ts'

/** What was proven about a request, by {@link Verifier.verify}. */
export interface VerifiedWebhook {
  /** The event's id, the same on every attempt: use it to do the work once. Null where the scheme has none. */
  readonly eventId: string | null
  /**
   * The event type, from the scheme's type header; null where the scheme has none (Standard Webhooks: read it in the
   * payload) or the header is absent. That header is not signed: whoever replays a request can change it.
   */
  readonly type: string | null
  /** The signed time of the attempt, to the second; null where the scheme signs none, so that a replay cannot be seen by its age. */
  readonly timestamp: Date | null
  /** Which of the verifier's secrets signed it, counted from 0: once 1 and up are no longer seen, the old ones can go. */
  readonly keyIndex: number
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

/** Builds the result; the payload is parsed when it is asked for, from the bytes that were verified. */
export function createVerifiedWebhook(proven: Omit<VerifiedWebhook, 'payload'>): VerifiedWebhook {
  let parsed: { readonly payload: unknown } | undefined
  return Object.freeze({
    ...proven,
    get payload() {
      parsed ??= { payload: parse(proven.rawBody) }
      return parsed.payload
    },
  })
}

function parse(body: Uint8Array): unknown {
  if (body.length === 0) return undefined
  let payload: unknown
  try {
    // fatal: bytes that are not UTF-8 must not turn into U+FFFD, which somebody else may have signed.
    payload = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    // Without the cause, whose message quotes the body.
    throw new PosthornError(
      'PAYLOAD_INVALID',
      'The signature is right, but the body is not JSON in UTF-8: read rawBody instead.',
    )
  }
  removePrototypeKeys(payload)
  return payload
}

// A list of our own, because JSON.parse reads deeper nesting than recursion could follow.
function removePrototypeKeys(payload: unknown): void {
  const pending = [payload].filter(isObject)
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (Object.hasOwn(value, '__proto__')) Reflect.deleteProperty(value, '__proto__')
    for (const member of Object.values(value)) if (isObject(member)) pending.push(member)
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
