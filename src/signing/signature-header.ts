import { PosthornError } from '../domain/error.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { decodeHex, encodeHex } from './hex.ts'
import type { SignatureLayout } from './scheme.ts'

/** How many signatures one header may carry; the spec names no number, a rotation needs two. */
export const maxSignatures = 16

const signatureBytes = 32

/** Writes signatures as the layout says. */
export function formatSignatures(signatures: readonly Uint8Array[], layout: SignatureLayout): string {
  const encode = layout.encoding === 'hex' ? encodeHex : encodeBase64
  // Equivalent keys (`k` and `k` with zero bytes behind it) sign alike; one signature says it all.
  return [...new Set(signatures.map((signature) => layout.prefix + encode(signature)))].join(' ')
}

/** Reads the signatures in a header; those of another version or that cannot be one are left out. */
export function parseSignatures(text: string, layout: SignatureLayout): Uint8Array[] {
  return entriesOf(text, layout).flatMap((entry) => {
    if (!entry.startsWith(layout.prefix)) return []
    const encoded = entry.slice(layout.prefix.length)
    const signature = layout.encoding === 'hex' ? decodeHex(encoded) : decodeBase64(encoded, 'canonical')
    return signature?.length === signatureBytes ? [signature] : []
  })
}

function entriesOf(text: string, layout: SignatureLayout): string[] {
  if (layout.syntax === 'single') {
    if (text.includes(','))
      throw new PosthornError('HEADER_DUPLICATE', `The header ${layout.header} was sent more than once.`)
    return [text]
  }
  const entries = text.split(' ')
  if (entries.length > maxSignatures) {
    throw new PosthornError('HEADER_INVALID', `The header ${layout.header} has more than ${maxSignatures} signatures.`)
  }
  // A header sent twice arrives joined as "v1,A, v1,B".
  return entries.map((entry) => (entry.endsWith(',') ? entry.slice(0, -1) : entry))
}
