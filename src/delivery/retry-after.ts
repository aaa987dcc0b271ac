/** The longest `Retry-After` that is honoured: 24 hours, in milliseconds. A longer one is cut to it. */
export const maxRetryAfterMs = 24 * 3_600_000

/** Reads a `Retry-After` header (RFC 9110, 10.2.3) as milliseconds from now, or null where it is absent or malformed. */
export function parseRetryAfter(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null
  const ms = isSeconds(text) ? Number(text) * 1000 : fixdateMs(text, nowMs)
  return ms === null ? null : Math.min(Math.max(ms, 0), maxRetryAfterMs)
}

function isSeconds(text: string): boolean {
  return text.length <= 10 && /^[0-9]+$/.test(text)
}

// Only the form that RFC 9110 lets senders write (IMF-fixdate): Date.parse alone would read `-1` or `2` as a year.
function fixdateMs(text: string, nowMs: number): number | null {
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : at - nowMs
}
