import { type HeaderTexts, invalid, readText } from './header-reader.ts'
import type { SigningAlgorithm } from './key.ts'
import type { SignatureLayout } from './scheme.ts'

/** How many signatures one header may carry; the Standard Webhooks spec names no number, a rotation needs two. */
export const maxSignatures = 16

/** The signatures found in a request, under the only algorithm of which each may be one. */
export type Candidates = Readonly<Record<string, readonly Uint8Array[] | undefined>>

// Others vary: an RSA signature is as long as its key, a token as its sender likes.
const signatureBytes: Readonly<Record<string, number>> = {
  'hmac-sha256': 32,
  'hmac-sha1': 20,
  ed25519: 64,
  'ecdsa-p256': 64,
}

/** Reads the signatures in their header, without those of another version or that cannot be one; null where none is left. */
export function parseSignatures(
  texts: HeaderTexts,
  { header, syntax, encoding, prefixes, maxSignatures: most = maxSignatures }: SignatureLayout,
): Candidates | null {
  const isList = syntax === 'list'
  const text = readText(texts, header, true, isList)
  // A header sent twice arrives joined as "v1,A, v1,B".
  const entries = isList && text.includes(' ') ? text.split(/,? /, most + 1) : [text]
  if (entries.length > most) throw invalid(`${header} has over ${most} signatures`)
  let candidates: Record<string, Uint8Array[]> | null = null
  // as: the keys of the record are its type's.
  for (const algorithm of Object.keys(prefixes) as SigningAlgorithm[]) {
    const prefix = prefixes[algorithm] ?? ''
    for (const entry of entries) {
      const bytes = entry.startsWith(prefix) && encoding.decode(entry.slice(prefix.length))
      if (!bytes || !bytes.length || bytes.length !== (signatureBytes[algorithm] ?? bytes.length)) continue
      candidates ??= {}
      ;(candidates[algorithm] ??= []).push(bytes)
    }
  }
  return candidates
}
