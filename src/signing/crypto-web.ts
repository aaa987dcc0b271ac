import type { Check, Content, CryptoSeam, Sign } from './crypto-seam.ts'

// as, here and below: what a prepared key gives depends on its use.
export const hmac: CryptoSeam['hmac'] = (hash, secret) =>
  prepared('raw', secret, { name: 'HMAC', hash: `SHA-${hash}` }, 'sign') as Sign

export const ed25519: CryptoSeam['ed25519'] = (bytes) => prepared('raw', bytes, { name: 'Ed25519' }, 'verify') as Check

export const spkiKey: CryptoSeam['spkiKey'] = (algorithm, der) =>
  prepared(
    'spki',
    der,
    algorithm === 'ecdsa-p256'
      ? { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
      : { name: 'RSASSA-PKCS1-v1_5', hash: algorithm === 'rsa-sha1' ? 'SHA-1' : 'SHA-256' },
    'verify',
  ) as Check

export const ed25519Signer: CryptoSeam['ed25519Signer'] = (seed) =>
  prepared('pkcs8', new Uint8Array([...ed25519Pkcs8, ...seed]), { name: 'Ed25519' }, 'sign') as Sign

export const sha256: CryptoSeam['sha256'] = async (content) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', await joined(content)))

// No early exit but for the length, so that the time tells nothing about where they differ.
export const isEqual: CryptoSeam['isEqual'] = (left, right) =>
  // as: past the end it is undefined, which counts as 0.
  !left.reduce((difference, byte, index) => difference | (byte ^ (right[index] as number)), left.length ^ right.length)

export const randomBytes: CryptoSeam['randomBytes'] = (length) => crypto.getRandomValues(new Uint8Array(length))

export const copyBytes: CryptoSeam['copyBytes'] = (bytes) => new Uint8Array(bytes)

export const ownBytes: CryptoSeam['ownBytes'] = (bytes) => bytes

export const toHex: CryptoSeam['toHex'] = (bytes) =>
  bytes.reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), '')

export const fromHex: CryptoSeam['fromHex'] = (text) =>
  /^([\da-f]{2})*$/i.test(text) ? Uint8Array.from(text.match(/../g) ?? [], (pair) => Number(`0x${pair}`)) : null

// One by one: a whole body as the arguments of one call overflows the stack.
export const toBase64: CryptoSeam['toBase64'] = (bytes) =>
  btoa(bytes.reduce((binary, byte) => binary + String.fromCharCode(byte), ''))

export const fromBase64: CryptoSeam['fromBase64'] = (text, isStrict) => {
  try {
    const binary = atob(text)
    // atob also skips white space and forgives; strictly only what toBase64 writes.
    return (isStrict ? btoa(binary) === text : !/\s/.test(text))
      ? Uint8Array.from(binary, (character) => character.charCodeAt(0))
      : null
  } catch {
    return null // No base64 at all.
  }
}

// What stands before the seed in DER (RFC 8410).
const ed25519Pkcs8 = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]

type KeyAlgorithm = { readonly name: string; readonly hash?: string; readonly namedCurve?: string }

/** Signs contents or, given a signature, judges it. The key is imported at the first use, because constructors start no work. */
function prepared(
  format: 'raw' | 'spki' | 'pkcs8',
  bytes: Uint8Array,
  algorithm: KeyAlgorithm,
  use: 'sign' | 'verify',
): (content: Content, signature?: Uint8Array) => Promise<Uint8Array | boolean> {
  const copy = new Uint8Array(bytes)
  let key: Promise<CryptoKey> | undefined
  return async (content, signature) => {
    // First of all: a key that is refused while nobody waits for it would end the process.
    const imported = await (key ??= crypto.subtle.importKey(format, copy, algorithm, false, [use]))
    const signed = await joined(content)
    return signature
      ? crypto.subtle.verify(algorithm, imported, signature as BufferSource, signed) // as: a view of any buffer
      : new Uint8Array(await crypto.subtle.sign(algorithm, imported, signed))
  }
}

const joined = (content: Content): Promise<ArrayBuffer> => new Blob(content as BlobPart[]).arrayBuffer()
