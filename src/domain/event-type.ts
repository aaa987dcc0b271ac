/** The longest event type and pattern accepted, in characters. */
export const maxEventTypeLength = 128

/** The event type of {@link EventDispatcher.test | test} deliveries. Reserved: it cannot be dispatched, and every webhook can receive it. */
export const testEventType = 'webhook.test'

/**
 * Says whether `text` is a well-formed event type: `[A-Za-z0-9_]` segments joined by dots, at most 128 characters
 * (Standard Webhooks, "Event types").
 */
export function isEventType(text: string): boolean {
  return text.length <= maxEventTypeLength && text.split('.').every(isSegment)
}

/** Says whether `text` is a pattern that a webhook may subscribe to: an event type, `prefix.*`, or `*`. */
export function isEventPattern(text: string): boolean {
  if (text === '*') return true
  return isEventType(text.endsWith('.*') ? text.slice(0, -2) : text)
}

/**
 * Lists every pattern that matches an event type, widest first: `a.b.c` gives `*`, `a.*`, `a.b.*`, `a.b.c`.
 * Matching is then a lookup of these few strings, whatever the number of webhooks.
 */
export function patternsMatching(type: string): string[] {
  const segments = type.split('.')
  const prefixes = segments.slice(0, -1).map((_, index) => `${segments.slice(0, index + 1).join('.')}.*`)
  return ['*', ...prefixes, type]
}

/** Says whether an event type is matched by a pattern. */
export function matchesPattern(pattern: string, type: string): boolean {
  if (pattern === '*' || pattern === type) return true
  return pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))
}

function isSegment(segment: string): boolean {
  if (segment === '') return false
  for (let index = 0; index < segment.length; index++) {
    const code = segment.charCodeAt(index)
    const isDigit = code >= 48 && code <= 57
    const isLetter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
    if (!isDigit && !isLetter && code !== 95) return false
  }
  return true
}
