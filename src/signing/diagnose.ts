import { PosthornError } from '../domain/error.ts'
import { fromBase64 } from '#crypto'
import type { KeyMaterial, SecretReader } from './key.ts'
import { type FrameworkFix, rawBodyLines, urlLines } from './framework-lines.ts'
import { hex } from './hex.ts'
import { jsonStyles } from './json-styles.ts'
import { isObject, memberAt } from './member.ts'
import { contentsOf, type SignedMessage } from './scheme.ts'
import { standardWebhooks } from './schemes/standard-webhooks.ts'
import { shownUrl, urlVariants } from './url-variants.ts'
import { Verifier, type VerifierOptions } from './verifier.ts'
import type { RawRequest } from './verify-input.ts'

/** What {@link diagnose} found. */
export interface Diagnosis {
  /**
   * What is wrong. `secret-format`: the secret cannot be a key of this scheme, or is one read in another way. `wrong-secret`: nothing that
   * was tried fits, so it is another endpoint's. `parsed-body`: the body was parsed. `changed-body`: it was written again, trimmed or
   * re-encoded. `wrong-url`: the sender signed another URL than the scheme was given. `clock`: the time is too far from ours, or written
   * in another unit than the scheme reads. `missing-header`, `wrong-header`: a header is absent or malformed.
   * `other`: see the message. `none`: nothing was found.
   */
  readonly problem:
    | 'none'
    | 'secret-format'
    | 'wrong-secret'
    | 'parsed-body'
    | 'changed-body'
    | 'wrong-url'
    | 'clock'
    | 'missing-header'
    | 'wrong-header'
    | 'other'
  /** What was found, and what to do. It contains neither the secret nor the body. */
  readonly message: string
  /** For a problem with the body or the URL: the line to have in each framework. */
  readonly fixes: readonly FrameworkFix[]
}

/**
 * Says why a request does not verify, for use while developing: it tries the secret in other formats, the body as JSON parsers and
 * editors would have changed it, and the URL as proxies would have. **It accepts nothing**: its answer is a text, and says nothing about who sent the request.
 */
export async function diagnose(options: VerifierOptions, request: RawRequest): Promise<Diagnosis> {
  const tried = repeatable(request)
  const failure = await failureOf(options, tried)
  if (failure === null) return found('none', 'The request verifies: look at how verify is called, and with what.')
  const { code, message } = failure
  if (code === 'SECRET_INVALID') return found('secret-format', message)
  if (code === 'HEADER_MISSING') return found('missing-header', `${message} ${headerHint}`)
  if (code === 'HEADER_DUPLICATE' || code === 'HEADER_INVALID') return found('wrong-header', message)
  if (code === 'RAW_BODY_REQUIRED') return await diagnoseParsed(options, tried)
  if (code.startsWith('TIMESTAMP_')) return await diagnoseTime(options, tried, failure)
  return code === 'SIGNATURE_MISMATCH' ? await diagnoseMismatch(options, tried) : found('other', message)
}

/** What comes from an iterator can be read once, and is read for each attempt. */
function repeatable(request: RawRequest): RawRequest {
  const headers: unknown = memberAt(request, 'headers')
  const isOnce =
    isObject(headers) && 'next' in headers && typeof headers.next === 'function' && Symbol.iterator in headers
  // as: what it gives is checked where it is read
  return isOnce ? { ...request, headers: [...(headers as Iterable<readonly [string, string]>)] } : request
}

const headerHint = 'Is it the scheme of this provider, and do all proxies pass it on?'

async function failureOf(options: VerifierOptions, request: RawRequest): Promise<PosthornError | null> {
  try {
    await new Verifier(options).verify(request)
    return null
  } catch (error) {
    // A wrong option is a mistake in the program that asks, not in the request.
    if (error instanceof PosthornError) return error
    throw error
  }
}

async function fits(options: VerifierOptions, request: RawRequest): Promise<boolean> {
  return (await failureOf(atAnyTime(options), request)) === null
}

function atAnyTime(options: VerifierOptions): VerifierOptions {
  const { scheme = standardWebhooks } = options
  return scheme.timestamp ? { ...options, maxAgeMs: false, maxFutureMs: false } : options
}

async function diagnoseTime(
  options: VerifierOptions,
  request: RawRequest,
  { code, message }: PosthornError,
): Promise<Diagnosis> {
  if (code === 'TIMESTAMP_UNIT' || code === 'TIMESTAMP_INVALID') return await diagnoseUnit(options, request, message)
  if (!(await fits(options, request))) return await diagnoseBoth(options, request, message)
  const verified = await new Verifier(atAnyTime(options)).verify(request)
  const offMs = (options.clock ?? Date.now)() - (verified.timestamp?.getTime() ?? 0)
  const distance = `${Math.round(Math.abs(offMs) / 1000)} s ${offMs > 0 ? 'behind' : 'ahead of'} this machine's clock`
  return found(
    'clock',
    `The signature is right, but its time is ${distance}: set the clocks by NTP, or it is an old request.`,
  )
}

async function diagnoseBoth(options: VerifierOptions, request: RawRequest, ofTime: string): Promise<Diagnosis> {
  const { problem, message, fixes } = await diagnoseMismatch(options, request)
  return found(problem, `${ofTime} Whatever the time, the signature does not fit either: ${message}`, fixes)
}

/** Tries the request with any text for its time: what is signed is that text, not what it means. */
async function diagnoseUnit(options: VerifierOptions, request: RawRequest, message: string): Promise<Diagnosis> {
  const { scheme = standardWebhooks } = options
  const { timestamp } = scheme
  if (timestamp === null) return found('other', message)
  let sent = ''
  const read = (text: string) => {
    sent = text
    return 0
  }
  const lenient = { ...options, scheme: { ...scheme, timestamp: { ...timestamp, unit: { ...timestamp.unit, read } } } }
  if (!(await fits(lenient, request))) return await diagnoseBoth(lenient, request, message)
  const [, form = 'in no form that is known'] = timeForms.find(([pattern]) => pattern.test(sent)) ?? []
  return found(
    'clock',
    `The signature is right, but the time is ${form}, and ${scheme.name} reads it in ${timestamp.unit.name}: is it the right scheme, or does ` +
      'the sender write the time wrongly?',
  )
}

const timeForms: readonly (readonly [pattern: RegExp, form: string])[] = [
  [/^$/, 'missing'],
  [/^\d{8,11}$/, 'in seconds'],
  [/^\d{12,14}$/, 'in milliseconds'],
  [/^\d{15,17}$/, 'in microseconds'],
  [/^\d{18,20}$/, 'in nanoseconds'],
  [/^\d+\.\d+$/, 'in seconds with a fraction'],
  [/^\d{4}-\d\d-\d\d/, 'ISO 8601 text'],
  [/^[A-Z][a-z]{2}, \d/, 'text as HTTP writes dates'],
]

async function diagnoseParsed(options: VerifierOptions, request: RawRequest): Promise<Diagnosis> {
  const again = typeof request.body === 'object' ? JSON.stringify(request.body) : ''
  const wouldFit = again !== '' && (await fits(options, { ...request, body: again }))
  const luck = wouldFit
    ? 'Written again as JSON it would happen to fit, this time: do not rely on that.'
    : 'Written again as JSON it would not fit.'
  return found('parsed-body', `The body was parsed, or not yet read, before it came here. ${luck}`, rawBodyLines)
}

async function diagnoseMismatch(options: VerifierOptions, request: RawRequest): Promise<Diagnosis> {
  for (const [change, body] of bodyVariants(request.body)) {
    if (await fits(options, { ...request, body })) {
      return found('changed-body', `The secret is right, but the body is not as it was sent: ${change}.`, rawBodyLines)
    }
  }
  const ofUrl = await diagnoseUrl(options, request)
  if (ofUrl !== null) return ofUrl
  const { scheme = standardWebhooks } = options
  for (const [format, readSecret] of secretFormats) {
    const name = `${scheme.name} reads it in another way`
    if (await fits({ ...options, scheme: { ...scheme, readSecret } }, request)) {
      return found('secret-format', `The signature fits the secret ${format}, but ${name}: is it the right scheme?`)
    }
  }
  const message =
    'The secret does not fit, in any format, nor does the body with what usually changes it: is it the secret of this very endpoint?'
  if (!isJson(textOf(request.body))) return found('wrong-secret', message)
  const unknown =
    'If it is, the body may have been parsed and written again in a way that cannot be found, such as 1.0 as 1.'
  return found('wrong-secret', `${message} ${unknown}`, rawBodyLines)
}

/** Tries other URLs, where the scheme signs one. */
async function diagnoseUrl(options: VerifierOptions, request: RawRequest): Promise<Diagnosis | null> {
  const { scheme } = options
  if (!scheme?.covers.includes('url')) return null
  let given = ''
  const withUrl = (choose: (url: string) => string): VerifierOptions => {
    const signedContent = async (message: SignedMessage) => {
      // Others that the scheme tries itself are among ours.
      const [content = []] = contentsOf((await scheme.signedContent(message)) ?? [])
      const place = content.findIndex((part) => typeof part === 'string' && /^https?:/i.test(part))
      given = String(content[place] ?? '')
      return content.map((part, index) => (index === place ? choose(given) : part))
    }
    return { ...options, scheme: { ...scheme, signedContent } }
  }
  // Once to learn it.
  await fits(
    withUrl((url) => url),
    request,
  )
  for (const url of urlVariants(given, request)) {
    if (
      !(await fits(
        withUrl(() => url),
        request,
      ))
    )
      continue
    const message = `The secret and the body are right, but ${scheme.name} signed the URL ${shownUrl(url)}, not ${shownUrl(given)}`
    return found('wrong-url', `${message} (queries left out): configure the one that was signed.`, urlLines)
  }
  return null
}

function bodyVariants(body: RawRequest['body']): readonly (readonly [change: string, body: string])[] {
  const text = textOf(body)
  return [
    ['white space was trimmed off its end', `${text}\n`],
    ['white space was trimmed off its end', `${text}\r\n`],
    ['white space was added to its end', text.trimEnd()],
    ['a byte order mark was taken off', `\ufeff${text}`],
    ['a byte order mark was put before it', text.replace(/^\ufeff/, '')],
    ['its line ends were changed from CRLF', text.replaceAll('\n', '\r\n')],
    ['its line ends were changed to CRLF', text.replaceAll('\r\n', '\n')],
    ['its Unicode was normalized', text.normalize('NFD')],
    ['its Unicode was normalized', text.normalize('NFC')],
    ...writtenAgain(text),
  ]
}

function writtenAgain(text: string): readonly (readonly [change: string, body: string])[] {
  return jsonStyles(text).map((style) => [
    `a parser read it and it was written again, where the sender had written it as ${style.name} does`,
    style.text,
  ])
}

function textOf(body: RawRequest['body']): string {
  // ignoreBOM keeps it.
  return typeof body === 'string' ? body : new TextDecoder('utf-8', { ignoreBOM: true }).decode(body)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const secretFormats: readonly (readonly [format: string, read: SecretReader])[] = [
  ['as text, with any prefix', (secret) => hmacKeys(new TextEncoder().encode(secret))],
  ['as text, without its prefix', (secret) => hmacKeys(new TextEncoder().encode(withoutPrefix(secret)))],
  ['as base64', (secret) => hmacKeys(fromBase64(withoutPrefix(secret), false))],
  ['as hexadecimal', (secret) => hmacKeys(hex.decode(withoutPrefix(secret)))],
]

function withoutPrefix(secret: string): string {
  return secret.replace(/^(v1,)?(whsec_)?/, '')
}

function hmacKeys(bytes: Uint8Array | null): readonly KeyMaterial[] | string {
  if (bytes === null || bytes.length === 0) return 'is not written so'
  return [
    { algorithm: 'hmac-sha256', bytes },
    { algorithm: 'hmac-sha1', bytes },
  ]
}

function found(problem: Diagnosis['problem'], message: string, fixes: Diagnosis['fixes'] = []): Diagnosis {
  return { problem, message, fixes }
}
