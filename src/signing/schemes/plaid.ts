import { isEqual, sha256 } from '#crypto'
import { PosthornError } from '../../domain/error.ts'
import type { Encoding } from '../encoding.ts'
import { memberAt } from '../handshake.ts'
import { type HeaderTexts, readText } from '../header-reader.ts'
import { hex } from '../hex.ts'
import { fromBase64Url, readJwk } from '../jwk.ts'
import { checkKeyFetchOptions, fetchText, KeyCache, type KeyFetchOptions } from '../key-cache.ts'
import type { Scheme } from '../scheme.ts'
import { seconds } from '../timestamp.ts'
import { parseJson } from '../verified-webhook.ts'

/** Options of {@link plaid}. */
export interface PlaidOptions extends KeyFetchOptions {
  /** The client id, with which the keys are asked for. */
  readonly clientId: string
  /** The API secret, with which the keys are asked for. */
  readonly secret: string
  /** Plaid's environment; `production` unless given. */
  readonly environment?: 'production' | 'sandbox'
}

/**
 * Plaid: `Plaid-Verification` is a JSON Web Token with `alg` ES256, whose claim `request_body_sha256` is the hex hash of the body and whose
 * `iat` is the time, within 300 s. The key is asked for by its `kid` at `/webhook_verification_key/get`; keys within the token are never
 * used. There is no event id.
 */
export function plaid({ clientId, secret, environment = 'production', ...options }: PlaidOptions): Scheme {
  checkKeyFetchOptions('plaid', options)
  if (environment !== 'production' && environment !== 'sandbox') {
    throw new TypeError("plaid: environment must be 'production' or 'sandbox'.")
  }
  if (!clientId || !secret)
    throw new TypeError('plaid: clientId and secret must be given: are the environment variables set?')
  const cache = new KeyCache(async (kid) => {
    const body = JSON.stringify({ client_id: clientId, secret, key_id: kid })
    const headers = { 'content-type': 'application/json' }
    const url = `https://${environment}.plaid.com/webhook_verification_key/get`
    const jwk = memberAt(JSON.parse(await fetchText(url, options, { method: 'POST', headers, body })), 'key')
    const key = readJwk(jwk, 0)
    if (key?.algorithm !== 'ecdsa-p256' || key.keyId !== kid)
      throw new TypeError('It is not the key that was asked for.')
    const expiredAt = memberAt(jwk, 'expired_at')
    return [{ ...key, notAfterMs: typeof expiredAt === 'number' ? expiredAt * 1000 : Infinity }]
  }, options)
  return {
    name: 'plaid',
    covers: ['timestamp', 'body'],
    readSecret: () => 'has no use: give plaid() the clientId and secret',
    signature: { header: 'jwt.signature', encoding: base64Url, prefixes: { 'ecdsa-p256': '' }, syntax: 'single' },
    eventId: null,
    eventType: { body: 'webhook_code' },
    timestamp: { place: { header: 'jwt.iat' }, unit: seconds },
    divide: (headers) => divideToken(readText(headers, 'plaid-verification')),
    async signedContent({ header, body }) {
      const claimed = hex.decode(header('jwt.hash'))
      return claimed !== null && isEqual(claimed, await sha256([body])) ? [header('jwt.content')] : null
    },
    writeHeaders: null,
    keySource: (query) => cache.get(query.texts.get('jwt.kid') ?? '', query),
  }
}

const base64Url: Encoding = { name: 'base64url', decode: fromBase64Url }

function divideToken(token: string): HeaderTexts {
  const [header = '', claims = '', signature = '', ...more] = token.split('.')
  const { alg, kid } = jsonOf(header)
  const { iat, request_body_sha256: hash } = jsonOf(claims)
  if (token === '') return new Map()
  if (more.length > 0 || alg !== 'ES256' || typeof kid !== 'string' || !/^[\w-]{1,100}$/.test(kid)) {
    throw new PosthornError(
      'HEADER_INVALID',
      'The header Plaid-Verification is no JSON Web Token with alg ES256 and a kid.',
    )
  }
  return new Map([
    ['jwt.signature', signature],
    ['jwt.content', `${header}.${claims}`],
    ['jwt.kid', kid],
    ['jwt.iat', typeof iat === 'number' ? String(iat) : ''],
    ['jwt.hash', typeof hash === 'string' ? hash : ''],
  ])
}

function jsonOf(part: string): Readonly<Record<string, unknown>> {
  try {
    const value = parseJson(fromBase64Url(part) ?? new Uint8Array(0))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {} // No JSON has no claims either.
  }
}
