import { readWhole, type TimeUnit } from './timestamp.ts'

/** Whole milliseconds since the epoch. Below 1e11 (1973) a number is taken for seconds by mistake. */
export const milliseconds: TimeUnit = {
  name: 'milliseconds',
  read: (text) => (readWhole(text) < 1e11 ? Infinity : readWhole(text)),
}

/** ISO 8601 with a date, a time and an offset (RFC 3339). */
export const isoTime: TimeUnit = {
  name: 'ISO 8601',
  read: (text) =>
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$/i.test(text) ? Date.parse(text) : NaN,
}
