import { PosthornError } from '../domain/error.ts'

/** Headers in any of the usual forms; names in any case. */
export type HeadersInput =
  | Headers
  | ReadonlyMap<string, string | readonly string[] | undefined>
  /** Pairs; a list rather than an iterator, because some schemes read them twice. */
  | Iterable<readonly [name: string, value: string | readonly string[] | undefined]>
  /** Node's `rawHeaders`: name, value, name, value … */
  | readonly string[]
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** Headers by name in lower case: repeated ones joined by `", "`, as fetch joins them. */
export interface HeaderTexts {
  /** Gives a header's text; null or undefined where it is absent. */
  get(name: string): string | null | undefined
}

/** Makes headers of any form readable by name. What is no headers at all is a TypeError. */
export const readHeaders = (headers: HeadersInput): HeaderTexts => {
  if (headers instanceof Headers) return headers
  const texts = new Map<string, string>()
  let count = 0
  // as: told apart by what they have, and of lists by whether the first of them is a text.
  const fields = (
    Symbol.iterator in headers
      ? typeof (headers as readonly unknown[])[0] === 'string'
        ? (headers as readonly string[])
            .slice(0, 4002)
            .flatMap((name, index, all) => (index % 2 ? [] : [[name, all[index + 1]]]))
        : headers
      : Object.entries(headers)
  ) as Iterable<[string, unknown]>
  for (const [field, value] of fields) {
    const name = field.toLowerCase()
    for (const text of Array.isArray(value) ? (value as unknown[]) : value == null ? [] : [value]) {
      // Node accepts 2,000 header fields in one message (http.Server maxHeadersCount).
      if (++count > 2000) throw invalid(`${name} is one too many`)
      // Whatever it was, a text from here on.
      texts.set(name, texts.has(name) ? `${texts.get(name)}, ${String(text)}` : String(text))
    }
  }
  return texts
}

/**
 * Gives the text of a header, empty where it is absent and may be. It must have been sent once, unless it may list values; `most` says how
 * many.
 */
export const readText = (texts: HeaderTexts, name: string, isRequired?: boolean, most?: number): string => {
  const text = texts.get(name.toLowerCase()) ?? ''
  if (isRequired && !text) throw new PosthornError('HEADER_MISSING', `The header ${name} is missing.`)
  if (text.length > 256 * (most ?? 16)) throw invalid(`${name} is too long`)
  // No text of which there is one may contain a comma, by which fetch joins headers.
  if (!most && text.includes(',')) throw new PosthornError('HEADER_DUPLICATE', `The header ${name} was sent twice.`)
  return text
}

/** Builds the error of headers that are not as they must be. */
export const invalid = (problem: string): PosthornError => new PosthornError('HEADER_INVALID', `The header ${problem}.`)
