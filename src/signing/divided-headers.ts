import type { HeaderTexts } from './header-reader.ts'

/** Headers beside which, or in place of which, there are texts that were divided out of them; names in lower case. */
export function dividedHeaders(headers: HeaderTexts, texts: ReadonlyMap<string, string>): HeaderTexts {
  return { get: (name) => texts.get(name) ?? headers.get(name) }
}
