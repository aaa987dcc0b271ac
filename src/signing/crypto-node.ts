import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  randomBytes as nodeRandomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import type { Content, CryptoSeam } from './crypto-seam.ts'
import { createShortHmac, feed } from './hmac-node.ts'

export const hmac: CryptoSeam['hmac'] = (hash, secret) => {
  // A KeyObject made once: the bytes themselves as key cost six times as much for each signature on Node 24.
  const key = createSecretKey(secret)
  const short = createShortHmac(`sha${hash}`, secret)
  // binary: a Buffer as the answer of digest would have memory of its own, which costs more than all else about a short one.
  return (content) =>
    short?.(content) ?? Buffer.from(feed(createHmac(`sha${hash}`, key), content).digest('binary'), 'binary')
}

export const ed25519: CryptoSeam['ed25519'] = (bytes) => {
  const key = createPublicKey({ key: Buffer.concat([ed25519Spki, bytes]), format: 'der', type: 'spki' })
  return (content, signature) => verify(null, joined(content), key, signature)
}

export const spkiKey: CryptoSeam['spkiKey'] = (algorithm, der) => {
  const key = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })
  const kind = `${key.asymmetricKeyType} ${key.asymmetricKeyDetails?.namedCurve ?? ''}`.trim()
  if (kind !== (algorithm === 'ecdsa-p256' ? 'ec prime256v1' : 'rsa'))
    throw new TypeError(`The key is ${kind}, none for ${algorithm}.`)
  const hash = algorithm === 'rsa-sha1' ? 'sha1' : 'sha256'
  return (content, signature) => verify(hash, joined(content), { key, dsaEncoding: 'ieee-p1363' }, signature)
}

export const ed25519Signer: CryptoSeam['ed25519Signer'] = (seed) => {
  const key = createPrivateKey({ key: Buffer.concat([ed25519Pkcs8, seed]), format: 'der', type: 'pkcs8' })
  return (content) => sign(null, joined(content), key)
}

export const sha256: CryptoSeam['sha256'] = (content) => feed(createHash('sha256'), content).digest()

// timingSafeEqual throws on unequal lengths; the length of a signature is no secret.
export const isEqual: CryptoSeam['isEqual'] = (left, right) =>
  left.length === right.length && timingSafeEqual(left, right)

export const randomBytes: CryptoSeam['randomBytes'] = (length) => nodeRandomBytes(length)

// Bodies up to a quarter of the pool share it, because a buffer of its own costs each as much as the hash of a small one. No part is
// written twice.
const poolBytes = 32_768
let pool = new Uint8Array(0)
let pooled = 0

export const copyBytes: CryptoSeam['copyBytes'] = (bytes) => {
  const { length } = bytes
  if (length > poolBytes / 4) return new Uint8Array(bytes)
  if (pooled + length > pool.length) {
    pool = new Uint8Array(poolBytes)
    pooled = 0
  }
  const copy = pool.subarray(pooled, (pooled += length))
  copy.set(bytes)
  return copy
}

export const ownBytes: CryptoSeam['ownBytes'] = (bytes) =>
  bytes.length < bytes.buffer.byteLength ? bytes.slice() : bytes

export const toHex: CryptoSeam['toHex'] = (bytes) => asBuffer(bytes).toString('hex')

// Buffer stops at the first character that is no digit, and leaves an odd one out.
export const fromHex: CryptoSeam['fromHex'] = (text) =>
  text.length % 2 === 0 && /^[\da-f]*$/i.test(text) ? new Uint8Array(Buffer.from(text, 'hex')) : null

export const toBase64: CryptoSeam['toBase64'] = (bytes) => asBuffer(bytes).toString('base64')

// A loop of our own: Buffer decodes what is no base64, and encoding again to see that costs twice as much as this.
export const fromBase64: CryptoSeam['fromBase64'] = (text, isStrict) => {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const digits = text.length - padding
  if (digits % 4 === 1 || ((isStrict || padding > 0) && text.length % 4 !== 0)) return null
  const bytes = new Uint8Array((digits * 3) >> 2)
  let pending = 0
  let bits = 0
  let length = 0
  for (let index = 0; index < digits; index++) {
    const value = digitValues[text.charCodeAt(index)] ?? -1
    if (value < 0) return null
    pending = (pending << 6) | value
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[length++] = pending >> bits
  }
  return isStrict && (pending & ((1 << bits) - 1)) !== 0 ? null : bytes
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const digitValues = Int8Array.from({ length: 128 }, (_, code) => alphabet.indexOf(String.fromCharCode(code)))

// What stands before the key's bytes in DER (RFC 8410).
const ed25519Spki = Buffer.from('302a300506032b6570032100', 'hex')
const ed25519Pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function joined(content: Content): Buffer {
  return Buffer.concat(content.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}
