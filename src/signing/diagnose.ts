import { PosthornError } from '../domain/error.ts'
import { fromBase64 } from '#crypto'
import type { KeyMaterial, SecretReader } from './key.ts'
import { type FrameworkFix, rawBodyLines, urlLines } from './framework-lines.ts'
import { hex } from './hex.ts'
import { jsonStyles } from './json-styles.ts'
import type { SignedMessage } from './scheme.ts'
import { standardWebhooks } from './schemes/standard-webhooks.ts'
import { shownUrl, urlVariants } from './url-variants.ts'
import { Verifier, type VerifierOptions } from './verifier.ts'
import type { RawRequest } from './verify-input.ts'

/** What {@link diagnose} found. */
export interface Diagnosis {
  /**
   * What is wrong. `secret-format`: the secret cannot be a key of this scheme, or is one read in another way. `wrong-secret`: nothing that
   * was tried fits, so it is another endpoint's. `parsed-body`: the body was parsed. `changed-body`: it was written again, trimmed or
   * re-encoded. `wrong-url`: the sender signed another URL than the scheme was given. `clock`: the time is too far from ours. `missing-header`, `wrong-header`: a header is absent or malformed.
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
  const failure = await failureOf(options, request)
  if (failure === null) return found('none', 'The request verifies: look at how verify is called, and with what.')
  const { code, message } = failure
  if (code === 'SECRET_INVALID') return found('secret-format', message)
  if (code === 'HEADER_MISSING') return found('missing-header', `${message} ${headerHint}`)
  if (code === 'HEADER_DUPLICATE' || code === 'HEADER_INVALID') return found('wrong-header', message)
  if (code === 'RAW_BODY_REQUIRED') return await diagnoseParsed(options, request)
  if (code.startsWith('TIMESTAMP_')) return await diagnoseTime(options, request, message)
  return code === 'SIGNATURE_MISMATCH' ? await diagnoseMismatch(options, request) : found('other', message)
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
  return { ...options, maxAgeMs: false, maxFutureMs: false }
}

async function diagnoseTime(options: VerifierOptions, request: RawRequest, message: string): Promise<Diagnosis> {
  if (!(await fits(options, request))) {
    const { problem, message: other, fixes } = await diagnoseMismatch(options, request)
    return found(problem, `${message} Whatever the time, the signature does not fit either: ${other}`, fixes)
  }
  const verified = await new Verifier(atAnyTime(options)).verify(request)
  const offMs = (options.clock ?? Date.now)() - (verified.timestamp?.getTime() ?? 0)
  const distance = `${Math.round(Math.abs(offMs) / 1000)} s ${offMs > 0 ? 'behind' : 'ahead of'} this machine's clock`
  return found(
    'clock',
    `The signature is right, but its time is ${distance}: set the clocks by NTP, or it is an old request.`,
  )
}

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
      const content = (await scheme.signedContent(message)) ?? []
      const place = content.findIndex((part) => typeof part === 'string' && /^https?:/i.test(part))
      given = String(content[place] ?? '')
      return content.map((part, index) => (index === place ? choose(given) : part))
    }
    // Those that the scheme tries itself are among ours.
    return { ...options, scheme: { ...scheme, signedContent, otherContents: () => [] } }
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
