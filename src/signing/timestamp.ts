import { PosthornError } from '../domain/error.ts'

/** How a sender writes the time. */
export interface TimeUnit {
  /** The unit's name, for tables and messages. */
  readonly name: string
  /** Reads a time as milliseconds since the epoch; NaN for what is none, Infinity for what is in another unit. */
  readonly read: (text: string) => number
  /** Writes an instant, given in milliseconds since the epoch. */
  readonly write: (atMs: number) => string
}

/** Whole seconds since the epoch. From 1e11 on (the year 5138) a number is taken for milliseconds (1973) by mistake. */
export const seconds: TimeUnit = {
  name: 'seconds',
  read(text) {
    const whole = readWhole(text)
    return whole < 1e11 ? whole * 1000 : whole * Infinity
  },
  write: (atMs) => String(Math.floor(atMs / 1000)),
}

/** How far a signed time may be from now; false for any distance. */
export interface Tolerance {
  readonly maxAgeMs: number | false
  readonly maxFutureMs: number | false
}

/** Reads 1 to 15 ASCII digits, else answers NaN; longer texts are no times, and slow and inexact to read. */
export function readWhole(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : NaN
}

/** Reads a signed time, and refuses what is not near enough to now. */
export function checkTimestamp(
  text: string,
  { read, name }: TimeUnit,
  nowMs: number,
  { maxAgeMs, maxFutureMs }: Tolerance,
): Date {
  const at = read(text)
  // In whole seconds, as most senders write it: what they cut off makes no message older.
  const ageMs = Math.floor(nowMs / 1000) * 1000 - at
  const kind = Number.isNaN(at)
    ? 'INVALID'
    : at === Infinity
      ? 'UNIT'
      : // Negated, so that a clock that answers NaN lets nothing pass.
        maxAgeMs !== false && !(ageMs <= maxAgeMs)
        ? 'TOO_OLD'
        : maxFutureMs !== false && !(at - nowMs <= maxFutureMs) && 'TOO_NEW'
  if (!kind) return new Date(at)
  throw new PosthornError(
    `TIMESTAMP_${kind}`,
    `The message's time must be in ${name}, and near this clock (maxAgeMs ${maxAgeMs}, maxFutureMs ${maxFutureMs}).`,
  )
}
