import { invalid, requireOnce } from './header-reader.ts'
import type { SigningAlgorithm } from './key.ts'
import type { SignatureLayout } from './scheme.ts'

/** How many signatures one header may carry; the Standard Webhooks spec names no number, a rotation needs two. */
export const maxSignatures = 16

/** A signature found in a request, and the only algorithm of which it may be one. */
export interface Candidate {
  readonly algorithm: SigningAlgorithm
  readonly bytes: Uint8Array
}

// Others vary: an RSA signature is as long as its key, a token as its sender likes.
const signatureBytes: Partial<Record<SigningAlgorithm, number>> = {
  'hmac-sha256': 32,
  'hmac-sha1': 20,
  ed25519: 64,
  'ecdsa-p256': 64,
}

/** Reads the signatures in a header; those of another version or that cannot be one are left out. */
export function parseSignatures(
  text: string,
  { header, syntax, encoding, prefixes, maxSignatures: most = maxSignatures }: SignatureLayout,
): Candidate[] {
  // A header sent twice arrives joined as "v1,A, v1,B".
  const entries = syntax === 'list' ? text.split(/,? /, most + 1) : [requireOnce(text, header)]
  if (entries.length > most) throw invalid(`${header} has over ${most} signatures`)
  // as: the keys of the record are its type's.
  return (Object.keys(prefixes) as SigningAlgorithm[]).flatMap((algorithm) => {
    const prefix = prefixes[algorithm] ?? ''
    return entries.flatMap((entry) => {
      const bytes = entry.startsWith(prefix) && encoding.decode(entry.slice(prefix.length))
      return bytes && bytes.length === (signatureBytes[algorithm] ?? bytes.length) && bytes.length
        ? { algorithm, bytes }
        : []
    })
  })
}
