import { PosthornError } from '../domain/error.ts'

/** Headers in any of the usual forms; names in any case. */
export type HeadersInput =
  | Headers
  | ReadonlyMap<string, string | readonly string[] | undefined>
  | Iterable<readonly [name: string, value: string | readonly string[] | undefined]>
  /** Node's `rawHeaders`: name, value, name, value … */
  | readonly string[]
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** What stands in the headers asked for: lower-case name to text, repeated ones joined by `", "` as fetch joins them. */
export type HeaderTexts = ReadonlyMap<string, string>

// Node accepts 2,000 header fields in one message (http.Server maxHeadersCount).
const maxFields = 2000
const maxLength = 4096

/** Picks the headers named (in lower case) out of whatever form they come in. */
export function readHeaders(headers: unknown, names: readonly string[]): HeaderTexts {
  const texts = new Map<string, string>()
  let fields = 0
  if (typeof headers !== 'object' || headers === null) throw unreadable()
  for (const [name, value] of fieldsOf(headers, names)) {
    if (++fields > maxFields || typeof name !== 'string') throw unreadable()
    const lowerName = name.toLowerCase()
    if (names.includes(lowerName))
      for (const text of Array.isArray(value) ? value : [value]) addText(texts, lowerName, text)
  }
  return texts
}

/** Gives the text of a header that must be there. */
export function requireHeader(texts: HeaderTexts, name: string): string {
  const text = texts.get(name.toLowerCase())
  if (!text) throw new PosthornError('HEADER_MISSING', `The header ${name} is missing.`)
  return text
}

/** Refuses the text of a header that was sent more than once; none of those read so may contain a comma. */
export function requireOnce(text: string, name: string): string {
  if (text.includes(',')) throw new PosthornError('HEADER_DUPLICATE', `The header ${name} was sent more than once.`)
  return text
}

function* fieldsOf(headers: unknown, names: readonly string[]): Generator<readonly [name: unknown, value: unknown]> {
  if (headers instanceof Headers) {
    for (const name of names) yield [name, headers.get(name)]
  } else if (Symbol.iterator in Object(headers)) {
    let rawName: string | undefined
    // as: what it gives is checked one by one
    for (const entry of headers as Iterable<unknown>) {
      const isText = typeof entry === 'string'
      if (!isText && (rawName !== undefined || !Array.isArray(entry) || entry.length !== 2)) throw unreadable()
      if (!isText) yield [entry[0], entry[1]]
      else if (rawName !== undefined) yield [rawName, entry]
      rawName = isText && rawName === undefined ? entry : undefined
    }
    if (rawName !== undefined) throw unreadable()
  } else yield* Object.entries(Object(headers))
}

function addText(texts: Map<string, string>, name: string, text: unknown): void {
  if (text === undefined || text === null) return
  const before = texts.get(name)
  if (typeof text !== 'string') throw unreadable()
  const joined = before === undefined ? text : `${before}, ${text}`
  if (joined.length > maxLength)
    throw new PosthornError('HEADER_INVALID', `The header ${name} is over ${maxLength} characters.`)
  texts.set(name, joined)
}

function unreadable(): PosthornError {
  return new PosthornError(
    'HEADER_INVALID',
    `The headers cannot be read: pass Headers, a Map, an object, pairs or rawHeaders, up to ${maxFields}.`,
  )
}
