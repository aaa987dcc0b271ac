const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Encodes with padding. Our own, because `btoa` wants text and `Uint8Array.toBase64` is not everywhere yet. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index += 3) {
    const group = ((bytes[index] ?? 0) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0)
    text += digit(group >> 18) + digit(group >> 12) + digit(group >> 6) + digit(group)
  }
  const missing = (3 - (bytes.length % 3)) % 3
  return missing === 0 ? text : text.slice(0, -missing) + '='.repeat(missing)
}

/**
 * Decodes the standard alphabet, or answers null. `canonical` accepts only what {@link encodeBase64} writes; `lenient`
 * also a missing padding and spare bits in the last character, as Python does for secrets.
 */
export function decodeBase64(text: string, strictness: 'canonical' | 'lenient'): Uint8Array | null {
  const digits = withoutPadding(text)
  if (digits === null || digits.length % 4 === 1) return null
  if (strictness === 'canonical' && text.length % 4 !== 0) return null
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4))
  let pending = 0
  let pendingBits = 0
  let length = 0
  for (let index = 0; index < digits.length; index++) {
    const value = valueOf(digits.charCodeAt(index))
    if (value < 0) return null
    pending = ((pending << 6) | value) & 0xfff
    pendingBits += 6
    if (pendingBits >= 8) {
      pendingBits -= 8
      bytes[length++] = (pending >> pendingBits) & 0xff
    }
  }
  const spareBits = pending & ((1 << pendingBits) - 1)
  return strictness === 'canonical' && spareBits !== 0 ? null : bytes
}

function digit(group: number): string {
  return alphabet.charAt(group & 63)
}

function withoutPadding(text: string): string | null {
  if (!text.endsWith('=')) return text
  if (text.length % 4 !== 0) return null
  return text.slice(0, text.endsWith('==') ? -2 : -1)
}

function valueOf(code: number): number {
  if (code >= 65 && code <= 90) return code - 65
  if (code >= 97 && code <= 122) return code - 71
  if (code >= 48 && code <= 57) return code + 4
  if (code === 43) return 62
  return code === 47 ? 63 : -1
}
