import { base64 } from './base64.ts'
import type { Encoding } from './encoding.ts'
import { hex } from './hex.ts'
import { hexSecret } from './hex-secret.ts'
import type { SecretReader } from './key.ts'
import { checkOptions } from './options.ts'
import { parameterScheme } from './parameters.ts'
import type { Covered, HeaderPlace, Place } from './coverage.ts'
import type { Scheme, SignedMessage } from './scheme.ts'
import { standardSecret } from './secret.ts'
import { textSecret, textSecretSha1 } from './text-secret.ts'
import { isoTime, milliseconds } from './time-units.ts'
import { seconds } from './timestamp.ts'

/** One part of what is signed: a value of the message, fixed text, or another header. */
export type ContentPart = 'id' | 'timestamp' | 'method' | 'url' | 'body' | TextPart | HeaderPlace

/** Fixed text. */
export interface TextPart {
  /** The text. */
  readonly text: string
}

/** How a header of parameters is written. */
export interface ParameterSyntax {
  /** The character between the parameters. */
  readonly separator: ',' | ';' | '&'
  /** The name of the time. */
  readonly timestamp: string
  /** The name of the signature, which may be repeated. */
  readonly signature: string
}

/** A scheme as {@link defineHmacScheme} takes it. */
export interface HmacSchemeDefinition {
  /** The scheme's name. */
  readonly name: string
  /** The header with the signature. */
  readonly header: string
  /**
   * How that header is written; `single` unless given. `list`: signatures separated by spaces. Otherwise parameters such as
   * `t=1,v1=ab`: the character between them, and the names of the time and of the signature, which may be repeated.
   */
  readonly syntax?: 'single' | 'list' | ParameterSyntax
  /** What stands before each signature, such as `sha256=`; nothing unless given. */
  readonly prefix?: string
  /** How the signature is written. */
  readonly encoding: 'hex' | 'base64'
  /** The hash; SHA-256 unless given. */
  readonly hash?: 'sha256' | 'sha1'
  /**
   * How the secret's text becomes the key. `text`, unless given: the whole text as UTF-8, a prefix included. `hex`: decoded.
   * `standard`: base64 behind `whsec_`, as Standard Webhooks writes it.
   */
  readonly secret?: 'text' | 'hex' | 'standard'
  /** The signed time; none unless given. Where it is a parameter of the signature's header, `header` is left out. */
  readonly timestamp?: {
    /** The header that it stands in. */
    readonly header?: string
    /** How it is written; `seconds` unless given. Never guessed. */
    readonly unit?: 'seconds' | 'milliseconds' | 'iso'
    /** How old a message may be, in milliseconds; 300,000 unless given. */
    readonly maxAgeMs?: number
    /** How far ahead of our clock a message may be, in milliseconds; 60,000 unless given. */
    readonly maxFutureMs?: number
  }
  /** Where the event's id is; none unless given. */
  readonly eventId?: Place
  /** Where the event's type is; none unless given. */
  readonly eventType?: Place
  /** What is signed, part by part, without anything between them: `['timestamp', { text: '.' }, 'body']`. */
  readonly content: readonly ContentPart[]
}

const members = {
  name: '',
  header: '',
  syntax: '',
  prefix: '',
  encoding: '',
  hash: '',
  secret: '',
  timestamp: '',
  eventId: '',
  eventType: '',
  content: '',
} as const
const encodings: Readonly<Record<string, Encoding>> = { hex, base64 }
const readers: Readonly<Record<string, SecretReader>> = { text: textSecret, hex: hexSecret, standard: standardSecret }
const units = { seconds, milliseconds, iso: isoTime }
const values = ['id', 'timestamp', 'method', 'url', 'body'] as const

/**
 * Makes a {@link Scheme} of plain data, for the common form: an HMAC of some parts of the request in a header. What it covers
 * follows from the content.
 *
 * @throws TypeError when a member is unknown or wrong, or when two of them do not fit.
 */
export function defineHmacScheme(definition: HmacSchemeDefinition): Scheme {
  const owner = 'defineHmacScheme'
  checkOptions(owner, definition, members)
  const { name, header, syntax = 'single', prefix = '', hash = 'sha256', timestamp, content } = definition
  const encoding = choice('encoding', definition.encoding, encodings)
  const reader = choice('secret', definition.secret ?? 'text', readers)
  if (hash !== 'sha256' && hash !== 'sha1') throw wrong('hash', hash)
  for (const [member, text] of Object.entries({ name, header })) {
    if (typeof text !== 'string' || !/^[\w.-]+$/.test(text)) throw wrong(member, text)
  }
  if (typeof prefix !== 'string' || prefix.includes(' ')) throw wrong('prefix', prefix)
  if (hash === 'sha1' && reader !== textSecret) throw wrong('secret', 'other than text beside the hash sha1')
  checkContent(content, definition)
  const algorithm = `hmac-${hash}` as const
  const unit = choice('timestamp.unit', timestamp?.unit ?? 'seconds', units)
  const scheme = {
    name,
    covers: coverage(content),
    readSecret: hash === 'sha1' ? textSecretSha1 : reader,
    eventId: definition.eventId ?? null,
    eventType: definition.eventType ?? null,
    signedContent: (message: SignedMessage) => content.map((part) => partOf(message, part)),
  }
  const limits = { maxAgeMs: timestamp?.maxAgeMs ?? 300_000, maxFutureMs: timestamp?.maxFutureMs ?? 60_000 }
  if (typeof syntax === 'object') {
    if (prefix !== '' || timestamp?.header !== undefined)
      throw wrong('prefix or timestamp.header', 'one beside parameters')
    const { separator, timestamp: time, signature } = syntax
    const divided = parameterScheme({ ...scheme, timestamp: { unit, ...limits } }, [header, separator, time, signature])
    return { ...divided, signature: { ...divided.signature, encoding, prefixes: { [algorithm]: '' } } }
  }
  if (syntax !== 'single' && syntax !== 'list') throw wrong('syntax', syntax)
  if (timestamp !== undefined && timestamp.header === undefined) throw wrong('timestamp.header', undefined)
  return {
    ...scheme,
    signature: { header, encoding, prefixes: { [algorithm]: prefix }, syntax },
    timestamp: timestamp?.header === undefined ? null : { place: { header: timestamp.header }, unit, ...limits },
  }
}

function checkContent(content: readonly ContentPart[], { eventId, timestamp, syntax }: HmacSchemeDefinition): void {
  if (!Array.isArray(content) || content.length === 0) throw wrong('content', content)
  for (const part of content as readonly unknown[]) {
    const isValue = values.some((value) => value === part)
    const isObject = typeof part === 'object' && part !== null && ('text' in part || 'header' in part)
    if (!isValue && !isObject) throw wrong('content', part)
  }
  // A time or id that is not signed would be trusted by whoever reads the result.
  const hasTime = timestamp !== undefined || typeof syntax === 'object'
  if (hasTime !== content.includes('timestamp'))
    throw wrong('timestamp', hasTime ? 'one that content has not' : undefined)
  if (content.includes('id') && !(eventId && 'header' in eventId))
    throw wrong('eventId', 'other than a header, though signed')
}

function coverage(content: readonly ContentPart[]): readonly Covered[] {
  const covered = values.filter((value) => content.includes(value))
  return content.some((part) => typeof part === 'object' && 'header' in part) ? [...covered, 'headers'] : covered
}

function partOf(message: SignedMessage, part: ContentPart): string | Uint8Array {
  if (typeof part === 'string') return message[part]
  return 'text' in part ? part.text : message.header(part.header)
}

function choice<Value>(member: string, chosen: string, choices: Readonly<Record<string, Value>>): Value {
  const value = Object.hasOwn(choices, chosen) ? choices[chosen] : undefined
  if (value === undefined) throw wrong(member, chosen)
  return value
}

function wrong(member: string, value: unknown): TypeError {
  const found = typeof value === 'string' ? `'${value}'` : JSON.stringify(value)
  return new TypeError(`defineHmacScheme: ${member} cannot be ${found ?? 'missing'}.`)
}
