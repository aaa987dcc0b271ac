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
// Stands for what was taken out until all is: no text that was decoded has half of a pair alone, so no value is found in it.
const placeholder = '\ud800'

/** What is to be taken out of answers, in all the forms in which it may be echoed. Made once for many of them. */
export type Echoes = readonly string[]

/** Prepares the values that a request says and no record may. */
export function echoesOf(values: readonly string[]): Echoes {
  // The longest first: one value may begin with another.
  return [...new Set(values.flatMap(formsOf))].toSorted((one, other) => other.length - one.length)
}

/** Takes values out of an answer that echoes them: it is recorded and shown. */
export function withoutEchoes(outcome: Outcome, echoes: Echoes): Outcome {
  if (outcome.status === null || echoes.length === 0) return outcome
  const headers = Object.entries(outcome.headers).map(([name, value]) => [name, redacted(value, echoes)])
  const body = withoutCutEcho(redacted(outcome.body, echoes), echoes)
  return { ...outcome, headers: Object.fromEntries(headers), body }
}

// Of the thousands of headers that an answer may have, nearly all are too short to hold any.
function redacted(text: string, echoes: Echoes): string {
  if (text.length < minRedactedLength) return text
  return echoes.reduce((rest, echo) => rest.replaceAll(echo, placeholder), text).replaceAll(placeholder, redactedValue)
}

// A body is kept up to a length, or to where it broke off: what was echoed last may be there in part.
function withoutCutEcho(text: string, echoes: Echoes): string {
  const cutLength = Math.max(0, ...echoes.map((echo) => lengthOfCut(text, echo)))
  return cutLength === 0 ? text : `${text.slice(0, -cutLength)}${redactedValue}`
}

/** How much of the beginning of an echo the text ends with, by the algorithm of Knuth, Morris and Pratt: a receiver may answer with what makes any other slow. */
function lengthOfCut(text: string, echo: string): number {
  const end = text.slice(-(echo.length - 1))
  if (!end.includes(echo.slice(0, minRedactedLength))) return 0
  const borders = bordersOf(echo)
  let length = 0
  for (let index = 0; index < end.length; index++) {
    if (length === echo.length) length = borders[length] ?? 0
    length = longerBy(end[index], echo, borders, length)
  }
  return length < minRedactedLength ? 0 : length
}

/** For each length of a beginning, the longest shorter one that it ends with. */
function bordersOf(echo: string): readonly number[] {
  const borders = [0, 0]
  for (let index = 1; index < echo.length; index++)
    borders.push(longerBy(echo[index], echo, borders, borders[index] ?? 0))
  return borders
}

/** What a beginning that was met grows to by one more unit. */
function longerBy(unit: string | undefined, echo: string, borders: readonly number[], met: number): number {
  let length = met
  while (length > 0 && echo[length] !== unit) length = borders[length] ?? 0
  return echo[length] === unit ? length + 1 : 0
}

// The whole value and, behind `Bearer`, the token alone; both as they are, and as they stand in JSON.
function formsOf(value: string): string[] {
  const texts = [value, value.slice(value.indexOf(' ') + 1)]
  const forms = texts.flatMap((text) => [text, JSON.stringify(text).slice(1, -1)])
  return forms.filter((text) => text.length >= minRedactedLength)
}
