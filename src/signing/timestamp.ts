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
  read: (text) => (isWholeNumber(text) ? (Number(text) < 1e11 ? Number(text) * 1000 : Infinity) : NaN),
  write: (atMs) => String(Math.floor(atMs / 1000)),
}

/** How far a signed time may be from now; false for any distance. */
export interface Tolerance {
  readonly maxAgeMs: number | false
  readonly maxFutureMs: number | false
}

/** Says whether a text is 1 to 15 ASCII digits; longer ones are no times, and slow and inexact to read. */
export function isWholeNumber(text: string): boolean {
  return /^\d{1,15}$/.test(text)
}

/** Reads a signed time, and refuses what is not near enough to now. */
export function checkTimestamp(
  text: string,
  unit: TimeUnit,
  name: string,
  nowMs: number,
  { maxAgeMs, maxFutureMs }: Tolerance,
): Date {
  const at = unit.read(text)
  if (at === Infinity) throw refusal('UNIT', `${name} is in another unit than ${unit.name}`)
  if (!Number.isFinite(at)) throw refusal('INVALID', `${name} is no time in ${unit.name}`)
  // In whole seconds, as most senders write it: a message of this very second is not in the future.
  const ageMs = Math.floor(nowMs / 1000) * 1000 - at
  // Negated, so that a clock that answers NaN lets nothing pass.
  if (maxAgeMs !== false && !(ageMs <= maxAgeMs)) throw refusal('TOO_OLD', `is older than ${maxAgeMs} ms`)
  if (maxFutureMs !== false && !(-ageMs <= maxFutureMs)) throw refusal('TOO_NEW', `is over ${maxFutureMs} ms ahead`)
  return new Date(at)
}

function refusal(kind: 'INVALID' | 'UNIT' | 'TOO_OLD' | 'TOO_NEW', problem: string): PosthornError {
  return new PosthornError(
    `TIMESTAMP_${kind}`,
    kind.startsWith('TOO')
      ? `The message ${problem}: compare the clocks, and check that it is no replay.`
      : `The time ${problem}.`,
  )
}
