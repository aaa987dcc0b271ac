import type { Content } from '../crypto-seam.ts'
import { hex } from '../hex.ts'
import type { Scheme, SignedMessage } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { milliseconds } from '../time-units.ts'

/**
 * Contentful's request verification: `x-contentful-signature` is the hex HMAC-SHA256 of method, path, the headers that
 * `x-contentful-signed-headers` lists, and body, each on a line, keyed by the 64 characters of the secret as text; the time is
 * `x-contentful-timestamp` in milliseconds, within 30 s. The request's `method` and `url` must be given. There is no event id. Path and query
 * are laid out as Contentful's own package does (`@contentful/node-apps-toolkit` 3.16), which escapes the query twice, or escaped once.
 */
export const contentful: Scheme = {
  name: 'contentful',
  covers: ['method', 'url', 'headers', 'timestamp', 'body'],
  readSecret: (secret) => (secret.length === 64 ? textSecret(secret) : 'is not 64 characters long: copy all of it'),
  signature: { header: 'x-contentful-signature', encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: null,
  eventType: { header: 'x-contentful-topic' },
  timestamp: { place: { header: 'x-contentful-timestamp' }, unit: milliseconds, maxAgeMs: 30_000 },
  signedContent(message) {
    const anyOf = contentsOf(message)
    return anyOf.length > 0 ? { anyOf } : null
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

/** What may have been signed, likeliest first; nothing where the headers do not say enough. */
function contentsOf(message: SignedMessage): readonly Content[] {
  const names = signedHeaders(message)
  // Without this the time, which is one of those headers, could be left out of what is signed.
  if (!names.includes('x-contentful-timestamp') || !names.includes('x-contentful-signed-headers')) return []
  const lines = names.map((name) => `${name}:${message.header(name).trim()}`)
  return pathsOf(message.url).map((path) => [`${message.method}\n${path}\n${lines.join(';')}\n`, message.body])
}

function pathsOf(url: string): readonly string[] {
  const target = url.replace(/^https?:\/\/[^/]*/, '')
  // What their package takes for the query ends at a second question mark.
  const [path = '', query] = target.split('?')
  const rest = target.slice(path.length)
  return [...new Set([path, decoded(path)])].flatMap((one) =>
    query ? [encodeURI(`${one}?${encodeURIComponent(query)}`), encodeURI(one) + rest] : [encodeURI(one)],
  )
}

function decoded(path: string): string {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}
