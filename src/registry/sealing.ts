import { PosthornError } from '../domain/error.ts'
import { SecretText } from '../domain/secret-text.ts'
import { redactedValue } from './custom-headers.ts'

/** One signing key of a webhook. */
export interface StoredKey {
  /** `whsec_` and base64. */
  readonly secret: SecretText
  /** When it stops signing, in milliseconds since the epoch; null for the newest. */
  readonly expiresAt: number | null
}

/** The values of a webhook's custom headers by lower-case name. */
export type HeaderValues = Readonly<Record<string, SecretText>>

/** What a webhook keeps to itself: its signing keys, newest first, and the values of its headers. */
export interface WebhookSecrets {
  /** Never empty. */
  readonly keys: readonly StoredKey[]
  readonly headers: HeaderValues
}

/**
 * What storage keeps as the `sealed` text of a webhook: the secrets in clear (version 1), or sealed (version 2). The names of the headers
 * are in clear in both, so that they can be shown without a key.
 */
export type SealedText =
  { readonly secrets: WebhookSecrets } | { readonly box: string; readonly headerNames: readonly string[] }

/** Writes secrets as text: what is stored in clear, or sealed into a box. */
export function secretsToText({ keys, headers }: WebhookSecrets): string {
  const names = Object.keys(headers)
  return JSON.stringify({
    v: 1,
    keys: keys.map(({ secret, expiresAt }) => ({ secret: secret.reveal(), expiresAt })),
    ...(names.length > 0 && { headers: mapValues(headers, (value) => value.reveal()) }),
  })
}

/** Writes a box beside the names of the headers in it. */
export function boxToText(box: string, headerNames: readonly string[]): string {
  return JSON.stringify({ v: 2, box, ...(headerNames.length > 0 && { headers: headerNames }) })
}

/** Reads secrets; throws `SECRET_UNREADABLE` where the text is not of that form, without quoting it. */
export function secretsOf(text: string): WebhookSecrets {
  const read = readSealed(text)
  if (read === null || !('secrets' in read)) throw damaged()
  return read.secrets
}

/** Reads a `sealed` text, or answers null where it has neither form. */
export function readSealed(text: string): SealedText | null {
  const value = parse(text)
  if (!isRecord(value)) return null
  const { v, keys, box, headers } = value
  if (v === 2) {
    const names = headers ?? []
    const isRight = typeof box === 'string' && Array.isArray(names) && names.every((name) => typeof name === 'string')
    return isRight ? { box, headerNames: names } : null
  }
  const values = headers ?? {}
  if (v !== 1 || !Array.isArray(keys) || keys.length === 0 || !keys.every(isKey)) return null
  if (!isRecord(values) || !Object.values(values).every((each) => typeof each === 'string')) return null
  return { secrets: { keys: keys.map(toKey), headers: mapValues(values, (each) => new SecretText(String(each))) } }
}

/** The headers of a webhook as they are shown: names, and a placeholder for each value. Never throws: one bad row breaks no list. */
export function shownHeaders(sealed: string): Record<string, string> {
  const read = readSealed(sealed)
  if (read === null) return {}
  const names = 'secrets' in read ? Object.keys(read.secrets.headers) : read.headerNames
  return Object.fromEntries(names.map((name) => [name, redactedValue]))
}

/** The secrets that sign at an instant, newest first. */
export function liveSecrets(secrets: WebhookSecrets, nowMs: number): string[] {
  const live = secrets.keys.filter((key) => key.expiresAt === null || key.expiresAt > nowMs)
  return live.map((key) => key.secret.reveal())
}

/** Makes the error for a `sealed` text that has no form of ours. */
export function damaged(): PosthornError {
  return new PosthornError(
    'SECRET_UNREADABLE',
    'The stored secrets of the webhook cannot be read: they are damaged, or a newer version wrote them.',
  )
}

interface KeyText {
  readonly secret: string
  readonly expiresAt: number | null
}

function toKey({ secret, expiresAt }: KeyText): StoredKey {
  return { secret: new SecretText(secret), expiresAt }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // Answered by the caller's own error: the parser's would quote the text.
  }
}

function isKey(value: unknown): value is KeyText {
  if (!isRecord(value) || typeof value['secret'] !== 'string') return false
  return value['expiresAt'] === null || Number.isFinite(value['expiresAt'])
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
