import { type HeaderTexts, invalid, readText } from './header-reader.ts'
import type { SignatureLayout } from './scheme.ts'

/** How many signatures or other values one header may carry; the Standard Webhooks spec names no number, a rotation needs two. */
export const maxSignatures = 16

/** Lists the signatures in their header, each with its prefix. */
export const listSignatures = (
  texts: HeaderTexts,
  { header, syntax, maxSignatures: most = maxSignatures }: SignatureLayout,
): readonly string[] => {
  const isList = syntax === 'list'
  const text = readText(texts, header, true, isList ? most : undefined)
  // A header sent twice arrives joined as "v1,A, v1,B".
  const entries = isList ? text.split(/,? /, most + 1) : [text]
  if (entries.length > most) throw invalid(`${header} has over ${most} signatures`)
  return entries
}
