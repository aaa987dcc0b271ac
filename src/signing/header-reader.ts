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
  if (typeof headers !== 'object' || headers === null) throw unreadable()
  const texts = new Map<string, string>()
  let fields = 0
  for (const [name, value] of fieldsOf(headers, names)) {
    if (++fields > maxFields) throw new PosthornError('HEADER_INVALID', `There are more than ${maxFields} headers.`)
    if (typeof name !== 'string') throw unreadable()
    const lowerName = name.toLowerCase()
    if (!names.includes(lowerName)) continue
    for (const text of Array.isArray(value) ? value : [value]) addText(texts, lowerName, text)
  }
  return texts
}

/** Gives the text of a header that must be there. */
export function requireHeader(texts: HeaderTexts, name: string): string {
  const text = texts.get(name.toLowerCase())
  if (text === undefined || text === '') throw new PosthornError('HEADER_MISSING', `The header ${name} is missing.`)
  return text
}

/** Refuses the text of a header that was sent more than once; none of those read here may contain a comma. */
export function requireOnce(text: string, name: string): string {
  if (text.includes(',')) throw new PosthornError('HEADER_DUPLICATE', `The header ${name} was sent more than once.`)
  return text
}

function* fieldsOf(headers: object, names: readonly string[]): Generator<readonly [unknown, unknown]> {
  if (headers instanceof Headers) {
    for (const name of names) yield [name, headers.get(name) ?? undefined]
  } else if (Symbol.iterator in headers && typeof headers[Symbol.iterator] === 'function') {
    yield* listedFields(headers as Iterable<unknown>) // checked the line before; what it yields is checked one by one
  } else {
    for (const [name, value] of Object.entries(headers)) yield [name, value]
  }
}

function* listedFields(headers: Iterable<unknown>): Generator<readonly [unknown, unknown]> {
  let rawName: string | undefined
  for (const entry of headers) {
    if (Array.isArray(entry) && entry.length === 2 && rawName === undefined) {
      yield [entry[0], entry[1]]
    } else if (typeof entry !== 'string') {
      throw unreadable()
    } else if (rawName === undefined) {
      rawName = entry
    } else {
      yield [rawName, entry]
      rawName = undefined
    }
  }
  if (rawName !== undefined) throw unreadable()
}

function addText(texts: Map<string, string>, name: string, text: unknown): void {
  if (text === undefined || text === null) return
  if (typeof text !== 'string') throw unreadable()
  const before = texts.get(name)
  const joined = before === undefined ? text : `${before}, ${text}`
  if (joined.length > maxLength) {
    throw new PosthornError('HEADER_INVALID', `The header ${name} is longer than ${maxLength} characters.`)
  }
  texts.set(name, joined)
}

function unreadable(): PosthornError {
  const forms = 'Headers, a Map, a plain object, [name, value] pairs or rawHeaders'
  return new PosthornError('HEADER_INVALID', `The headers cannot be read: pass ${forms}, with text for values.`)
}
