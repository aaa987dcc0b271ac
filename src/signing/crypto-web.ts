import type { Check, Content, CryptoSeam } from './crypto-seam.ts'

export const hmac: CryptoSeam['hmac'] = (hash, secret) => {
  const key = imported('raw', secret, { name: 'HMAC', hash: `SHA-${hash}` }, 'sign')
  return async (content) => new Uint8Array(await crypto.subtle.sign('HMAC', await key(), await joined(content)))
}

export const ed25519: CryptoSeam['ed25519'] = (bytes) => checkWith('raw', bytes, { name: 'Ed25519' })

export const spkiKey: CryptoSeam['spkiKey'] = (algorithm, der) =>
  checkWith(
    'spki',
    der,
    algorithm === 'ecdsa-p256'
      ? { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
      : { name: 'RSASSA-PKCS1-v1_5', hash: algorithm === 'rsa-sha1' ? 'SHA-1' : 'SHA-256' },
  )

export const ed25519Signer: CryptoSeam['ed25519Signer'] = (seed) => {
  const key = imported('pkcs8', new Uint8Array([...ed25519Pkcs8, ...seed]), { name: 'Ed25519' }, 'sign')
  return async (content) => new Uint8Array(await crypto.subtle.sign('Ed25519', await key(), await joined(content)))
}

export const sha256: CryptoSeam['sha256'] = async (content) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', await joined(content)))

// No early exit but for the length, so that the time tells nothing about where they differ.
export const isEqual: CryptoSeam['isEqual'] = (left, right) =>
  left.reduce((difference, byte, index) => difference | (byte ^ (right[index] ?? 0)), left.length ^ right.length) === 0

export const randomBytes: CryptoSeam['randomBytes'] = (length) => crypto.getRandomValues(new Uint8Array(length))

export const copyBytes: CryptoSeam['copyBytes'] = (bytes) => new Uint8Array(bytes)

export const ownBytes: CryptoSeam['ownBytes'] = (bytes) => bytes

export const toHex: CryptoSeam['toHex'] = (bytes) =>
  bytes.reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), '')

export const fromHex: CryptoSeam['fromHex'] = (text) =>
  /^([\da-f]{2})*$/i.test(text) ? Uint8Array.from(text.match(/../g) ?? [], (pair) => Number(`0x${pair}`)) : null

export const toBase64: CryptoSeam['toBase64'] = (bytes) => {
  let binary = ''
  // One by one: a whole body as the arguments of one call overflows the stack.
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

export const fromBase64: CryptoSeam['fromBase64'] = (text, isStrict) => {
  try {
    const binary = atob(text)
    // atob also skips white space and forgives; strictly only what toBase64 writes.
    if (isStrict ? btoa(binary) !== text : /\s/.test(text)) return null
    return Uint8Array.from(binary, (character) => character.charCodeAt(0))
  } catch {
    return null // No base64 at all.
  }
}

// What stands before the seed in DER (RFC 8410).
const ed25519Pkcs8 = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]

function checkWith(format: 'raw' | 'spki', bytes: Uint8Array, algorithm: KeyAlgorithm): Check {
  const key = imported(format, bytes, algorithm, 'verify')
  return async (content, signature) =>
    crypto.subtle.verify(algorithm, await key(), new Uint8Array(signature), await joined(content))
}

type KeyAlgorithm = { readonly name: string; readonly hash?: string; readonly namedCurve?: string }

// Imported at the first use, from a copy made now: constructors start no work.
function imported(
  format: 'raw' | 'spki' | 'pkcs8',
  bytes: Uint8Array,
  algorithm: KeyAlgorithm,
  use: 'sign' | 'verify',
): () => Promise<CryptoKey> {
  const copy = new Uint8Array(bytes)
  let key: Promise<CryptoKey> | undefined
  return () => (key ??= crypto.subtle.importKey(format, copy, algorithm, false, [use]))
}

// as: a Blob takes views of any buffer.
const joined = (content: Content): Promise<ArrayBuffer> => new Blob(content as BlobPart[]).arrayBuffer()
