/**
 * Says whether every database keeps a text as it is: NUL and lone surrogates are refused or silently changed by some, and two
 * different texts would become one.
 */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && !/\p{Surrogate}/u.test(text)
}
