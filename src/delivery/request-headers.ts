import { redactedValue } from '../registry/custom-headers.ts'
import type { Outcome } from '../domain/outcome.ts'

/** Puts the headers of one request together. Ours stand, whatever a webhook's own are called, in any case. */
export function requestHeaders(
  custom: Readonly<Record<string, string>>,
  ours: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (Object.keys(custom).length === 0) return ours
  const taken = new Set(Object.keys(ours).map((name) => name.toLowerCase()))
  const free = Object.entries(custom).flatMap(([name, value]) => {
    const lower = name.toLowerCase()
    return taken.has(lower) ? [] : [[lower, value] as const]
  })
  return { ...Object.fromEntries(free), ...ours }
}

// Shorter ones are found in ordinary text, and protect nothing.
const minRedactedLength = 8

/** Takes the values of a webhook's own headers out of an answer that echoes them: it is recorded and shown. */
export function withoutEchoes(outcome: Outcome, custom: Readonly<Record<string, string>>): Outcome {
  if (outcome.status === null || Object.keys(custom).length === 0) return outcome
  // The longest first: one value may begin with another.
  const secrets = Object.values(custom)
    .flatMap(formsOf)
    .toSorted((one, other) => other.length - one.length)
  if (secrets.length === 0) return outcome
  const redact = (text: string) =>
    withoutCutEcho(
      secrets.reduce((rest, secret) => rest.replaceAll(secret, redactedValue), text),
      secrets,
    )
  const headers = Object.entries(outcome.headers).map(([name, value]) => [name, redact(value)])
  return { ...outcome, headers: Object.fromEntries(headers), body: redact(outcome.body) }
}

// A body is kept up to a length, or to where it broke off: what was echoed last may be there in part.
function withoutCutEcho(text: string, secrets: readonly string[]): string {
  const cutLength = Math.max(0, ...secrets.map((secret) => lengthOfCut(text, secret)))
  return cutLength === 0 ? text : `${text.slice(0, -cutLength)}${redactedValue}`
}

function lengthOfCut(text: string, secret: string): number {
  for (let length = secret.length - 1; length >= minRedactedLength; length--) {
    if (text.endsWith(secret.slice(0, length))) return length
  }
  return 0
}

// The whole value and, behind `Bearer`, the token alone; both as they are, and as they stand in JSON.
function formsOf(value: string): string[] {
  const texts = [value, value.slice(value.indexOf(' ') + 1)]
  const forms = texts.flatMap((text) => [text, JSON.stringify(text).slice(1, -1)])
  return forms.filter((text) => text.length >= minRedactedLength)
}
