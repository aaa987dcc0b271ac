import { PosthornError, type Issue } from './error.ts'
import { isEventType, matchesPattern, testEventType } from './event-type.ts'
import type { SchemaInput, StandardIssue, StandardPathSegment, StandardSchema } from './standard-schema.ts'

/** Event types and the schema of each one's data. */
export type EventSchemas = Readonly<Record<string, StandardSchema>>

/** The event types of an app, made by {@link defineEvents}. */
export interface EventCatalogue<Schemas extends EventSchemas = EventSchemas> {
  /** The types, in the order of definition. */
  readonly types: readonly string[]
  /** The schemas by type. */
  readonly schemas: Schemas
  /** Says whether a type is in the catalogue. */
  has(type: string): boolean
  /** Says whether a pattern can match a type of the catalogue. */
  matches(pattern: string): boolean
  /**
   * Checks an event's data, and resolves to what the schema makes of it: with its defaults, without what it strips, transformed.
   * @throws {PosthornError} `INVALID_EVENT` naming the type and the path of every problem.
   */
  validate(type: string, data: unknown): Promise<unknown>
}

/** What `dispatch` accepts: the catalogue's types with their data, or any type with any data where there is no catalogue. */
export type EventInputs<Schemas extends EventSchemas> = string extends keyof Schemas
  ? Readonly<Record<string, unknown>>
  : { readonly [Type in keyof Schemas & string]: SchemaInput<Schemas[Type]> }

/**
 * Names the event types of an app and the schema of each one's data; any Standard Schema will do. The schema describes what is on
 * the wire: data is checked against it and sent as it was given, so the same catalogue checks it again on the receiving side.
 *
 * @example
 * const events = defineEvents({ 'execution.completed': z.object({ executionId: z.string() }) })
 * @throws {TypeError} where a type is malformed or reserved, or a schema is not a Standard Schema v1.
 */
export function defineEvents<const Schemas extends EventSchemas>(schemas: Schemas): EventCatalogue<Schemas> {
  const byType = new Map<string, StandardSchema>(Object.entries(schemas))
  for (const [type, schema] of byType) assertDefinition(type, schema)
  const types = [...byType.keys()]

  return Object.freeze({
    types: Object.freeze(types),
    schemas,
    has: (type: string) => byType.has(type),
    matches: (pattern: string) => types.some((type) => matchesPattern(pattern, type)),
    async validate(type: string, data: unknown) {
      const schema = byType.get(type)
      if (schema === undefined) throw unknownType(type, types)
      const result = await resultOf(type, schema, data)
      assertValid(type, result.issues)
      return 'value' in result ? result.value : undefined
    },
  })
}

function assertDefinition(type: string, schema: unknown): void {
  if (!isEventType(type)) {
    throw new TypeError(`Event type ${JSON.stringify(type)} is malformed: use [A-Za-z0-9_] segments joined by dots.`)
  }
  if (type === testEventType) throw new TypeError(`Event type ${testEventType} is reserved for test deliveries.`)
  const isSchema = isObjectLike(schema) && '~standard' in schema && isObjectLike(schema['~standard'])
  if (!isSchema)
    throw new TypeError(`The schema of ${type} is not a Standard Schema v1: pass a schema of zod, valibot, arktype …`)
}

// arktype's schemas are functions.
function isObjectLike(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function unknownType(type: string, types: readonly string[]): PosthornError {
  const issues: Issue[] = [{ path: 'type', message: `is not one of ${types.join(', ')}` }]
  return new PosthornError('INVALID_EVENT', `Event type ${JSON.stringify(type)} is not in the catalogue.`, { issues })
}

async function resultOf(type: string, schema: StandardSchema, data: unknown) {
  try {
    return await schema['~standard'].validate(data)
  } catch (error) {
    const issues: Issue[] = [{ path: '', message: 'could not be checked: its schema threw' }]
    throw new PosthornError('INVALID_EVENT', `The data of ${type} could not be checked: its schema threw.`, {
      issues,
      cause: error,
    })
  }
}

function assertValid(type: string, found: readonly StandardIssue[] | undefined): void {
  if (found === undefined || found.length === 0) return
  const issues = found.map((issue) => ({ path: formatPath(issue.path ?? []), message: issue.message }))
  const [first] = issues
  const where = first?.path === '' ? 'its data' : first?.path
  throw new PosthornError(
    'INVALID_EVENT',
    `The data of ${type} does not fit its schema at ${where}: ${first?.message}`,
    {
      issues,
    },
  )
}

/** Writes a path as in JavaScript: `items[2].name`. */
export function formatPath(path: readonly (PropertyKey | StandardPathSegment)[]): string {
  return path
    .map((step) => (typeof step === 'object' ? step.key : step))
    .reduce<string>((text, key) => {
      if (typeof key === 'number') return `${text}[${key}]`
      return text === '' ? String(key) : `${text}.${String(key)}`
    }, '')
}
