import { hex } from '../hex.ts'
import type { Scheme, SignedMessage } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { milliseconds } from '../time-units.ts'

/**
 * Contentful's request verification: `x-contentful-signature` is the hex HMAC-SHA256 of method, path, the headers that
 * `x-contentful-signed-headers` lists, and body, each on a line, keyed by the 64 characters of the secret as text; the time is
 * `x-contentful-timestamp` in milliseconds, within 30 s. The request's `method` and `url` must be given. There is no event id.
 */
export const contentful: Scheme = {
  name: 'contentful',
  covers: ['method', 'url', 'headers', 'timestamp', 'body'],
  readSecret: (secret) => (secret.length === 64 ? textSecret(secret) : 'is not 64 characters long: copy all of it'),
  signature: { header: 'x-contentful-signature', encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: null,
  eventType: { header: 'x-contentful-topic' },
  timestamp: { place: { header: 'x-contentful-timestamp' }, unit: milliseconds, maxAgeMs: 30_000 },
  signedContent: (message) => {
    const names = signedHeaders(message)
    // Without this the time, which is one of those headers, could be left out of what is signed.
    if (!names.includes('x-contentful-timestamp') || !names.includes('x-contentful-signed-headers')) return null
    const lines = names.map((name) => `${name}:${message.header(name).trim()}`)
    return [`${message.method}\n${pathOf(message.url)}\n${lines.join(';')}\n`, message.body]
  },
  writeHeaders: ({ signatures, message, timestamp }) => ({
    'x-contentful-signature': signatures.join(''),
    'x-contentful-signed-headers': message.header('x-contentful-signed-headers'),
    'x-contentful-timestamp': timestamp,
  }),
}

// More than any sender lists; each costs a look through the headers.
const maxSignedHeaders = 32

function signedHeaders({ header }: SignedMessage): readonly string[] {
  const names = header('x-contentful-signed-headers').split(',', maxSignedHeaders + 1)
  const isSane = names.length <= maxSignedHeaders && names.every((name) => /^ *[\w-]+ *$/.test(name))
  return isSane ? names.map((name) => name.trim().toLowerCase()).toSorted() : []
}

function pathOf(url: string): string {
  const [path = '', query] = url.replace(/^https?:\/\/[^/]*/, '').split('?')
  const escaped = encodeURI(decodedPath(path))
  return query === undefined ? escaped : `${escaped}?${query}`
}

function decodedPath(path: string): string {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}
