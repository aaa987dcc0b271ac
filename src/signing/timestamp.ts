import { PosthornError } from '../domain/error.ts'

/** From here on a number of seconds (the year 5138) is taken for milliseconds (1973) by mistake, and refused. */
export const firstMillisecondSeconds = 1e11

const maxDigits = 15

/** How far a signed time may be from now; false for any distance. */
export interface Tolerance {
  readonly maxAgeMs: number | false
  readonly maxFutureMs: number | false
}

/** Reads a header's whole seconds, and refuses what is not near enough to now. */
export function checkTimestamp(text: string, header: string, nowMs: number, tolerance: Tolerance): Date {
  // The length first: Number() of a long text is slow, and inexact.
  if (text.length > maxDigits || !/^[0-9]+$/.test(text)) {
    throw new PosthornError('TIMESTAMP_INVALID', `The header ${header} is not a whole number of seconds since 1970.`)
  }
  const seconds = Number(text)
  if (seconds >= firstMillisecondSeconds) {
    throw new PosthornError('TIMESTAMP_UNIT', `The header ${header} is in milliseconds; the sender must write seconds.`)
  }
  // In whole seconds, as the header is: a message of this very second is not in the future.
  const ageMs = (Math.floor(nowMs / 1000) - seconds) * 1000
  // Negated, so that a clock that answers NaN lets nothing pass.
  if (tolerance.maxAgeMs !== false && !(ageMs <= tolerance.maxAgeMs)) {
    throw new PosthornError('TIMESTAMP_TOO_OLD', `The message is older than ${tolerance.maxAgeMs} ms${clockHint}`)
  }
  if (tolerance.maxFutureMs !== false && !(-ageMs <= tolerance.maxFutureMs)) {
    throw new PosthornError(
      'TIMESTAMP_TOO_NEW',
      `The message is more than ${tolerance.maxFutureMs} ms ahead${clockHint}`,
    )
  }
  return new Date(seconds * 1000)
}

const clockHint = ': compare the clocks of sender and receiver, and check that it is no replay.'
