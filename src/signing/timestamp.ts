import { PosthornError } from '../domain/error.ts'

/** How a sender writes the time. */
export interface TimeUnit {
  /** The unit's name, for tables and messages. */
  readonly name: string
  /** Reads a time as milliseconds since the epoch; NaN for what is none, Infinity for what is in another unit. */
  readonly read: (text: string) => number
  /**
   * Writes an instant, given in milliseconds since the epoch. Left out by `seconds`, `milliseconds` and `ISO 8601`, which a {@link Signer}
   * knows, so that who only verifies does not load it.
   */
  readonly write?: (atMs: number) => string
}

/** Whole seconds since the epoch. From 1e11 on (the year 5138) a number is taken for milliseconds (1973) by mistake. */
export const seconds: TimeUnit = {
  name: 'seconds',
  read(text) {
    const whole = readWhole(text)
    return whole < 1e11 ? whole * 1000 : whole * Infinity
  },
}

/** Reads 1 to 15 ASCII digits, else answers NaN; longer texts are no times, and slow and inexact to read. */
export const readWhole = (text: string): number => (/^\d{1,15}$/.test(text) ? Number(text) : NaN)

/** Reads a signed time, and refuses what is further from now than it may be; false for any distance. */
export const checkTimestamp = (
  text: string,
  { read, name }: TimeUnit,
  nowMs: number,
  maxAgeMs: number | false,
  maxFutureMs: number | false,
): Date => {
  const at = read(text)
  // Negated, so that a clock that answers NaN lets nothing pass.
  const kind = !(at < Infinity)
    ? at
      ? 'UNIT'
      : 'INVALID'
    : // Most senders write whole seconds: what they cut off makes no message older.
      !(nowMs - at < (maxAgeMs || Infinity) + 1000)
      ? 'TOO_OLD'
      : !(at - nowMs <= (maxFutureMs || Infinity)) && 'TOO_NEW'
  if (!kind) return new Date(at)
  throw new PosthornError(
    `TIMESTAMP_${kind}`,
    `The time must be in ${name}, within maxAgeMs ${maxAgeMs} and maxFutureMs ${maxFutureMs}.`,
  )
}
