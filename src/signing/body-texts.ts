import { memberAt } from './handshake.ts'

/**
 * Gives members of a body as texts, named `prefix.member` in lower case, for schemes that put the signature there; nothing in
 * them is proven. What is no text or number is left out, as a missing header is.
 */
export function memberTexts(prefix: string, value: unknown, members: readonly string[]): Map<string, string> {
  const texts = new Map<string, string>()
  for (const member of members) {
    const text = memberAt(value, member)
    if (typeof text === 'string' || typeof text === 'number')
      texts.set(`${prefix}.${member.toLowerCase()}`, String(text))
  }
  return texts
}
