import { fromBase64, spkiKey } from '#crypto'
import { memberAt } from './handshake.ts'
import { createVerifyKey, type VerifyKey } from './key.ts'

/** Decodes base64url, which JSON Web Keys and Tokens are written in, or answers null. */
export function fromBase64Url(text: string): Uint8Array | null {
  if (!/^[\w-]*$/.test(text)) return null
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/')
  return fromBase64(base64 + '='.repeat((4 - (base64.length % 4)) % 4), true)
}

/** Reads a JSON Web Key of Ed25519 or P-256, the only kinds used here; null for any other. */
export function readJwk(jwk: unknown, index: number): VerifyKey | null {
  const text = (name: string) => {
    const value = memberAt(jwk, name)
    return typeof value === 'string' ? value : ''
  }
  const id = text('kid') || null
  const [x, y] = [fromBase64Url(text('x')), fromBase64Url(text('y'))]
  if (x?.length !== 32) return null
  if (text('kty') === 'OKP' && text('crv') === 'Ed25519')
    return createVerifyKey({ algorithm: 'ed25519', bytes: x }, index, id)
  if (text('kty') !== 'EC' || text('crv') !== 'P-256' || y?.length !== 32) return null
  const der = new Uint8Array([...p256Spki(), ...x, ...y])
  return createVerifyKey({ algorithm: 'ecdsa-p256', bytes: der, check: spkiKey('ecdsa-p256', der) }, index, id)
}

// What stands before x and y in DER (RFC 5480).
function p256Spki(): readonly number[] {
  return [48, 89, 48, 19, 6, 7, 42, 134, 72, 206, 61, 2, 1, 6, 8, 42, 134, 72, 206, 61, 3, 1, 7, 3, 66, 0, 4]
}
