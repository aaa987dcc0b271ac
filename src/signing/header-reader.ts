import { PosthornError } from '../domain/error.ts'
import { isObject } from './member.ts'

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
  let count = 0
  const add = (name: unknown, value: unknown) => {
    if (typeof name !== 'string' || ++count > maxFields) throw invalid('unreadable')
    const key = name.toLowerCase()
    if (!names.includes(key) || value === undefined || value === null) return
    for (const text of Array.isArray(value) ? (value as unknown[]) : [value]) {
      const before = texts.get(key)
      const joined = typeof text === 'string' && (before === undefined ? text : `${before}, ${text}`)
      if (joined === false || joined.length > maxLength) throw invalid(`${key} is unreadable or too long`)
      texts.set(key, joined)
    }
  }
  if (headers instanceof Headers) for (const name of names) add(name, headers.get(name))
  else if (!isObject(headers)) throw invalid('unreadable')
  else if (Symbol.iterator in headers) {
    let rawName: unknown
    // as: what it gives is checked one by one
    for (const field of headers as Iterable<unknown>) {
      const isName = rawName === undefined && typeof field === 'string'
      const pair = rawName === undefined ? field : [rawName, field]
      rawName = isName ? field : undefined
      if (isName) continue
      if (!Array.isArray(pair) || pair.length !== 2) throw invalid('unreadable')
      add(pair[0], pair[1])
    }
    if (rawName !== undefined) throw invalid('unreadable')
  } else for (const name of Object.keys(headers)) add(name, Reflect.get(headers, name))
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
  if (text.includes(',')) throw new PosthornError('HEADER_DUPLICATE', `The header ${name} was sent twice.`)
  return text
}

/** Builds the error of headers that are not as they must be. */
export function invalid(problem: string): PosthornError {
  return new PosthornError('HEADER_INVALID', `A header is wrong: ${problem}.`)
}
