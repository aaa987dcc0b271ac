import { PosthornError } from '../domain/error.ts'
import { isObject } from './member.ts'

/** Headers in any of the usual forms; names in any case. */
export type HeadersInput =
  | Headers
  | ReadonlyMap<string, string | readonly string[] | undefined>
  /** Pairs; a list rather than an iterator, because some schemes read them twice. */
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

/** Gives the text of a header, empty where it is absent and may be; unless it is a list, it must have been sent once. */
export function readText(texts: HeaderTexts, name: string, isRequired: boolean, isList = false): string {
  const text = texts.get(name) ?? texts.get(name.toLowerCase()) ?? ''
  if (isRequired && text === '') throw new PosthornError('HEADER_MISSING', `The header ${name} is missing.`)
  // No text of which there is one may contain a comma, by which fetch joins headers.
  if (!isList && text.includes(',')) throw new PosthornError('HEADER_DUPLICATE', `The header ${name} was sent twice.`)
  return text
}

/** Builds the error of headers that are not as they must be. */
export function invalid(problem: string): PosthornError {
  return new PosthornError('HEADER_INVALID', `A header is wrong: ${problem}.`)
}
