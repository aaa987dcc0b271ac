import { z } from 'zod'
import { formatPath, type EventCatalogue } from '../domain/catalogue.ts'
import { PosthornError, type Issue } from '../domain/error.ts'
import { isEventPattern, maxEventTypeLength, testEventType } from '../domain/event-type.ts'
import { isStorable } from '../domain/text.ts'
import { assertSecret } from '../signing/secret.ts'
import { AddressBlocked, ownerMessage } from './address-policy/address-block.ts'
import type { AddressPolicy } from './address-policy/address-policy.ts'
import { maxHeaders, problemOfHeaderName, problemOfHeaderValue, type HeaderChanges } from './custom-headers.ts'

/** What a webhook is created from. */
export interface CreateWebhookInput {
  /** 1 to 100 characters, not only white space. */
  readonly name: string
  /** Absolute `https:` URL of a public address, at most 2,048 characters, without user name, password and fragment. See {@link AddressOptions}. */
  readonly url: string
  /** 1 to 50 different patterns: an exact event type, `prefix.*`, or `*`. */
  readonly events: readonly string[]
  /** Whether deliveries are made; true unless given. */
  readonly isActive?: boolean
  /** `whsec_` and the base64 of 24 to 64 bytes; generated from 32 random bytes unless given. */
  readonly secret?: string
  /** At most 500 characters; null unless given. */
  readonly description?: string | null
  /** Up to 50 string values, keys of 1 to 40 and values of up to 500 characters; empty unless given. */
  readonly metadata?: Readonly<Record<string, string>>
  /** How many deliveries may be under way to it at once, 1 to 1,000; 10 unless given. */
  readonly maxInFlight?: number
  /**
   * Up to 20 headers to send with every request, such as `authorization`: names are tokens of up to 100 characters and lose their case,
   * values printable ASCII of up to 4,096, at most 6,144 in all. They are stored sealed and shown as `[redacted]`. Refused are names that
   * frame or route the request, carry cookies, claim where it came from, unlock a cloud's metadata, or are set by Posthorn.
   */
  readonly headers?: Readonly<Record<string, string>>
}

/** What may be changed of a webhook; what is left out stays as it is. Secrets are changed by rotation. */
export interface UpdateWebhookInput extends Partial<Omit<CreateWebhookInput, 'secret' | 'headers'>> {
  /** Header by header: a text sets it, null removes it, what is left out or `[redacted]` stays. Null removes all. */
  readonly headers?: HeaderChanges
}

/** What a webhook's fields become by replacement; what is left out returns to its default, headers and secret excepted: they stay. */
export interface ReplaceWebhookInput extends Omit<CreateWebhookInput, 'secret' | 'headers'> {
  /** All headers there are to be; `[redacted]` keeps the value of that name. They stay unless given; null removes all. */
  readonly headers?: HeaderChanges
}

/** The checks of webhook input, bound to the catalogue of the app where it has one. */
export interface WebhookInputSchemas {
  /** Checks the input of create; throws `VALIDATION_FAILED` with every issue. */
  create(input: unknown): CreateWebhookInput
  /** Checks the input of update; throws `VALIDATION_FAILED` with every issue. */
  update(input: unknown): UpdateWebhookInput
  /** Checks the input of replace; throws `VALIDATION_FAILED` with every issue. */
  replace(input: unknown): ReplaceWebhookInput
}

/** Builds the checks once per registry. */
export function webhookInputSchemas(
  catalogue: EventCatalogue | undefined,
  addresses: AddressPolicy,
): WebhookInputSchemas {
  const problemOfUrl = (url: string) => {
    const block = addresses.judgeUrl(url)
    return block === null ? null : ownerMessage(block)
  }
  const parse = <Input>(schema: z.ZodType, input: unknown) => parseWith<Input>(schema, input, addresses)
  const replace = z.strictObject({
    name: z
      .string()
      .max(100, 'must have at most 100 characters')
      .refine(isNotBlank, 'must not be empty')
      .refine(isStorable, unstorable),
    url: z.string().superRefine(checked(problemOfUrl)),
    events: z.unknown().superRefine(checkEvents(catalogue)),
    isActive: z.boolean().optional(),
    description: z
      .string()
      .max(500, 'must have at most 500 characters')
      .refine(isStorable, unstorable)
      .nullable()
      .optional(),
    metadata: z.unknown().superRefine(checkMetadata).optional(),
    maxInFlight: z.int().min(1, 'must be from 1 to 1000').max(1000, 'must be from 1 to 1000').optional(),
    headers: z.unknown().superRefine(checkHeaders(true)).optional(),
  })
  const create = replace.extend({
    secret: z.string().superRefine(checked(problemOfSecret)).optional(),
    headers: z.unknown().superRefine(checkHeaders(false)).optional(),
  })
  const update = replace.partial()

  return {
    create: (input) => parse<CreateWebhookInput>(create, input),
    update: (input) => parse<UpdateWebhookInput>(update, input),
    replace: (input) => parse<ReplaceWebhookInput>(replace, input),
  }
}

const unstorable = 'must not contain NUL or lone surrogates'

type Refinement = (value: unknown, context: z.core.$RefinementCtx) => void

function parseWith<Input>(schema: z.ZodType, input: unknown, addresses: AddressPolicy): Input {
  const result = schema.safeParse(input)
  // The schema has looked at every field; `events`, `metadata` and `headers` through refinements, whose type zod does not know.
  if (result.success) return result.data as Input
  const issues = result.error.issues.flatMap(toIssues)
  const summary = issues.map((issue) => `${issue.path || 'input'} ${issue.message}`).join('; ')
  throw new PosthornError('VALIDATION_FAILED', `The webhook is not valid: ${summary}.`, {
    issues,
    cause: refusalOf(input, addresses),
  })
}

// The issues are the owner's to read; what the guard found is the operator's, and stands in the error's cause alone.
function refusalOf(input: unknown, addresses: AddressPolicy): AddressBlocked | undefined {
  const url = typeof input === 'object' && input !== null && 'url' in input ? input.url : undefined
  const block = typeof url === 'string' ? addresses.judgeUrl(url) : null
  return block === null ? undefined : new AddressBlocked(block)
}

function toIssues(issue: z.core.$ZodIssue): Issue[] {
  const path = formatPath(issue.path)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: formatPath([...issue.path, key]),
      message: 'is not a known field: remove it',
    }))
  }
  if (issue.code === 'invalid_type') return [{ path, message: `must be ${article(issue.expected)}` }]
  return [{ path, message: issue.message }]
}

function article(expected: string): string {
  if (expected === 'int') return 'an integer'
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`
}

function isNotBlank(text: string): boolean {
  return text.trim() !== ''
}

function checked(problemOf: (text: string) => string | null): (text: string, context: z.core.$RefinementCtx) => void {
  return (text, context) => {
    const problem = problemOf(text)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem })
  }
}

function problemOfSecret(secret: string): string | null {
  try {
    assertSecret(secret)
    return null
  } catch (error) {
    return error instanceof PosthornError ? error.message : 'is not a valid secret'
  }
}

// By hand, because zod stops at the first bad element and every issue is to be listed.
function checkEvents(catalogue: EventCatalogue | undefined): Refinement {
  return (value, context) => {
    const fail = (message: string, path: PropertyKey[] = []) => context.addIssue({ code: 'custom', message, path })
    if (!Array.isArray(value)) return fail('must be an array of event types')
    if (value.length === 0) return fail('must name at least one event type')
    if (value.length > 50) return fail('must name at most 50 event types')
    const seen = new Set<unknown>()
    for (const [index, pattern] of value.entries()) {
      const problem = seen.has(pattern) ? 'is a duplicate: remove it' : problemOfPattern(pattern, catalogue)
      if (problem !== null) fail(problem, [index])
      seen.add(pattern)
    }
  }
}

function problemOfPattern(pattern: unknown, catalogue: EventCatalogue | undefined): string | null {
  if (typeof pattern !== 'string') return 'must be a string'
  if (!isEventPattern(pattern)) {
    return `is not an event type: use [A-Za-z0-9_] segments joined by dots, "prefix.*" or "*", at most ${maxEventTypeLength} characters`
  }
  if (pattern === testEventType) return 'is reserved: every webhook receives test deliveries'
  if (catalogue === undefined || pattern === '*' || catalogue.matches(pattern)) return null
  return `is not a known event type: use one of ${catalogue.types.join(', ')}`
}

// A Map or a class instance would be stored as what little of it is enumerable.
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}

const checkMetadata: Refinement = (value, context) => {
  const fail = (message: string, path: PropertyKey[] = []) => context.addIssue({ code: 'custom', message, path })
  if (value === undefined) return
  if (!isPlainObject(value)) return fail('must be an object of strings')
  const entries = Object.entries(value)
  if (entries.length > 50) return fail('must have at most 50 entries')
  for (const [key, text] of entries) {
    if (key === '__proto__') fail('is not allowed as a key', [key])
    else if (key === '' || key.length > 40) fail('must have a key of 1 to 40 characters', [key])
    else if (typeof text !== 'string') fail('must be a string', [key])
    else if (text.length > 500) fail('must have at most 500 characters', [key])
    else if (!isStorable(key) || !isStorable(text)) fail(unstorable, [key])
  }
}

function checkHeaders(mayRemove: boolean): Refinement {
  return (value, context) => {
    const fail = (message: string, path: PropertyKey[] = []) => context.addIssue({ code: 'custom', message, path })
    if (value === undefined || (value === null && mayRemove)) return
    if (!isPlainObject(value)) return fail('must be an object of strings')
    const entries = Object.entries(value)
    // All there are removed, and as many set.
    if (entries.length > 2 * maxHeaders) return fail(`must be at most ${maxHeaders}`)
    const seen = new Set<string>()
    for (const [name, text] of entries) {
      const isRemoved = text === null && mayRemove
      const problem = problemOfHeaderName(name) ?? (isRemoved ? null : problemOfHeaderValue(text))
      if (problem !== null) fail(problem, [name])
      else if (seen.has(name.toLowerCase())) fail('is a duplicate: names differ in more than case', [name])
      seen.add(name.toLowerCase())
    }
  }
}
