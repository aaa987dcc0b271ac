import type { CryptoSeam } from './crypto-seam.ts'

export const cryptoSeam: CryptoSeam = {
  createHmacKey(secret) {
    const bytes = new Uint8Array(secret)
    let key: Promise<CryptoKey> | undefined
    return {
      async sign(content) {
        // Imported at the first use: constructors start no work.
        key ??= crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
        return new Uint8Array(await crypto.subtle.sign('HMAC', await key, concatenate(content)))
      },
    }
  },
  isEqual(left, right) {
    if (left.length !== right.length) return false
    // No early exit, so that the time tells nothing about where they differ.
    let difference = 0
    for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0)
    return difference === 0
  },
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
}

function concatenate(content: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder()
  const parts = content.map((part) => (typeof part === 'string' ? encoder.encode(part) : part))
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}
