import { SecretText } from '../domain/secret-text.ts'
import { invalid } from './scope.ts'

/** What stands for the value of a header wherever it is shown; written back, it keeps the value. */
export const redactedValue = '[redacted]'

/** The most custom headers of one webhook. */
export const maxHeaders = 20

const maxNameLength = 100
const maxValueLength = 4_096
// Servers commonly take 8 to 16 KiB of headers in all; ours are among them.
const maxTotalLength = 6_144

/** Says what is wrong with the name of a custom header, or null. Case does not count, and `_` is `-`: CGI and its heirs take them for one. */
export function problemOfHeaderName(name: string): string | null {
  if (name === '' || name.length > maxNameLength) return `must have a name of 1 to ${maxNameLength} characters`
  if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(name))
    return 'has a name that is no token (RFC 9110, 5.6.2): use letters, digits, -'
  if (name.toLowerCase() === '__proto__') return 'is not allowed as a name'
  const plain = name.toLowerCase().replaceAll('_', '-')
  const exact = Object.hasOwn(refused, plain) ? refused[plain] : undefined
  if (exact !== undefined) return exact
  return refusedPrefixes.find(([prefix]) => plain.startsWith(prefix))?.[1] ?? refusedSignature(plain)
}

/** Says what is wrong with the value of a custom header, or null. It never quotes it. */
export function problemOfHeaderValue(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a string'
  if (value === '' || value.length > maxValueLength) return `must have a value of 1 to ${maxValueLength} characters`
  if (!/^[\x20-\x7e]+$/.test(value)) return 'must have a value of printable ASCII characters'
  return value.trim() === value ? null : 'has white space around its value: trim it'
}

/** What a caller may write for the headers of a webhook that exists: null removes. */
export type HeaderChanges = Readonly<Record<string, string | null>> | null

/**
 * Applies changes whose names and values were checked. `update` keeps names that are left out, `replace` removes them; null removes in
 * both, and the placeholder keeps the value that is there. Throws `VALIDATION_FAILED` where that makes too much, or keeps nothing.
 */
export function changedHeaders(
  current: Readonly<Record<string, SecretText>>,
  changes: HeaderChanges,
  mode: 'update' | 'replace',
): Record<string, SecretText> {
  const headers = new Map(mode === 'update' && changes !== null ? Object.entries(current) : [])
  for (const [name, text] of Object.entries(changes ?? {})) {
    const key = name.toLowerCase()
    const kept = Object.hasOwn(current, key) ? current[key] : undefined
    if (text === null) headers.delete(key)
    else if (text !== redactedValue) headers.set(key, new SecretText(text))
    else if (kept !== undefined) headers.set(key, kept)
    else throw invalid(`headers.${name}`, `has the placeholder ${redactedValue} and no value to keep: give the value`)
  }
  if (headers.size > maxHeaders) throw invalid('headers', `must be at most ${maxHeaders}, those there already included`)
  const total = [...headers].reduce((sum, [name, value]) => sum + name.length + value.reveal().length, 0)
  if (total > maxTotalLength) throw invalid('headers', `must have at most ${maxTotalLength} characters in all`)
  return Object.fromEntries(headers)
}

const framing = 'frames the message, and is set by Posthorn'
const hop = 'belongs to one connection (RFC 9110, 7.6.1), not to the message'
const route = 'chooses whom the request reaches: use the URL'
const cookie = 'carries a session: use authorization or a header of your own'
const forwarding = 'says where a request came from, and would be believed'
const override = 'changes what the request asks for at some servers'
const metadata = 'unlocks the metadata service of a cloud'
const ours = 'is set by Posthorn'
const signature = 'is a signature: receivers verify those that Posthorn makes'

const refused: Readonly<Record<string, string>> = {
  'transfer-encoding': framing,
  trailer: framing,
  expect: framing,
  connection: hop,
  'keep-alive': hop,
  te: hop,
  upgrade: hop,
  'max-forwards': hop,
  'http2-settings': hop,
  host: route,
  cookie,
  cookie2: cookie,
  'set-cookie': cookie,
  'set-cookie2': cookie,
  forwarded: forwarding,
  via: forwarding,
  'x-real-ip': forwarding,
  'x-client-ip': forwarding,
  'x-cluster-client-ip': forwarding,
  'true-client-ip': forwarding,
  'cf-connecting-ip': forwarding,
  'cf-connecting-ipv6': forwarding,
  'fastly-client-ip': forwarding,
  'fly-client-ip': forwarding,
  'x-azure-clientip': forwarding,
  'x-azure-socketip': forwarding,
  'x-appengine-user-ip': forwarding,
  'x-envoy-external-address': forwarding,
  'x-original-forwarded-for': forwarding,
  'x-originating-ip': forwarding,
  'x-remote-addr': forwarding,
  'x-remote-ip': forwarding,
  'cdn-loop': forwarding,
  'x-original-url': override,
  'x-original-host': override,
  'x-rewrite-url': override,
  'x-http-method': override,
  'x-method-override': override,
  metadata,
  'metadata-flavor': metadata,
  'user-agent': ours,
}

const refusedPrefixes: readonly (readonly [string, string])[] = [
  ['content-', 'describes the body, and is set by Posthorn'],
  ['proxy-', hop],
  ['x-forwarded', forwarding],
  ['x-http-method-override', override],
  ['x-google-metadata', metadata],
  ['x-aws-ec2-metadata', metadata],
  ['sec-', 'is for browsers to set'],
  ['webhook-', signature],
  ['svix-', signature],
  ['x-ipa-', signature],
]

// Of schemes that a dispatcher may carry, ours and others: `x-hub-signature-256`, `stripe-signature`, `x-shopify-hmac-sha256`. What a
// scheme of the host's calls otherwise is overwritten by it at the send.
function refusedSignature(name: string): string | null {
  return name.includes('signature') || name.includes('-hmac-') ? signature : null
}
