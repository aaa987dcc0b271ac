import { hex } from './hex.ts'
import type { KeyMaterial } from './key.ts'

/** Reads a secret that is written in hexadecimal, as bytes for HMAC-SHA256. */
export function hexSecret(secret: string): KeyMaterial | string {
  const bytes = hex.decode(secret)
  if (bytes === null || bytes.length < 16) return 'is not the hexadecimal of 16 bytes or more: copy all of it'
  return { algorithm: 'hmac-sha256', bytes }
}

/** Reads an ed25519 public key that is written in hexadecimal. */
export function hexPublicKey(secret: string): KeyMaterial | string {
  const bytes = hex.decode(secret)
  if (bytes?.length !== 32) return 'is not the hexadecimal of 32 bytes: copy the whole public key'
  return { algorithm: 'ed25519', bytes }
}
