import { toBase64 } from '#crypto'
import { base64 } from './base64.ts'
import type { Encoding } from './encoding.ts'

/** An ECDSA P-256 signature in DER and base64, read as `r` and `s` of 32 bytes each, as WebCrypto takes it. */
export const derSignature: Encoding = {
  name: 'DER, base64',
  encode,
  decode(text) {
    const der = base64.decode(text)
    if (der === null || der.length < 8 || der.length > 72) return null
    const rLength = der[3] ?? 0
    const sLength = der[5 + rLength] ?? 0
    const bytes = new Uint8Array(64)
    const [r, s] = [der.slice(4, 4 + rLength), der.slice(6 + rLength)].map(withoutSign)
    if (r === undefined || s === undefined || s.length > 32 || r.length > 32 || sLength + rLength + 6 !== der.length)
      return null
    bytes.set(r, 32 - r.length)
    bytes.set(s, 64 - s.length)
    // Each signature has one spelling only: what we would write ourselves.
    return encode(bytes) === text ? bytes : null
  },
}

function encode(bytes: Uint8Array): string {
  const numbers = [bytes.slice(0, 32), bytes.slice(32)].flatMap((number) => derNumber([...number]))
  return toBase64(new Uint8Array([0x30, numbers.length, ...numbers]))
}

function derNumber(bytes: readonly number[]): readonly number[] {
  const first = bytes.findIndex((byte) => byte !== 0)
  const digits = first < 0 ? [0] : bytes.slice(first)
  // A leading bit would make the number negative.
  if ((digits[0] ?? 0) > 127) digits.unshift(0)
  return [2, digits.length, ...digits]
}

function withoutSign(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0 ? bytes.slice(1) : bytes
}
