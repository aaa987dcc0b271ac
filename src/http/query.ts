import { PosthornError, type Issue } from '../domain/error.ts'

/** Reads one query parameter: its value, or what is wrong with it. */
export type ParameterReader<Value> = (text: string) => { readonly value: Value } | { readonly problem: string }

/** The readers of all parameters that an operation knows, by name. */
export type ParameterReaders = Readonly<Record<string, ParameterReader<unknown>>>

/** What was read; a parameter that was not given is absent. */
export type ParameterValues<Readers extends ParameterReaders> = {
  readonly [Name in keyof Readers]?: Readers[Name] extends ParameterReader<infer Value> ? Value : never
}

/** Reads a query; throws `VALIDATION_FAILED` that names every unknown, repeated and wrong parameter. */
export function readQuery<Readers extends ParameterReaders>(
  query: URLSearchParams,
  readers: Readers,
): ParameterValues<Readers> {
  const values = new Map<string, unknown>()
  const issues: Issue[] = []
  for (const [name, [text = '', ...repeats]] of textsByName(query)) {
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined
    if (reader === undefined) issues.push({ path: name, message: unknownParameter(readers) })
    else if (repeats.length > 0) issues.push({ path: name, message: 'is given more than once' })
    else {
      const result = reader(text)
      if ('problem' in result) issues.push({ path: name, message: result.problem })
      else values.set(name, result.value)
    }
  }
  if (issues.length > 0) throw new PosthornError('VALIDATION_FAILED', 'The query is not valid: see issues.', { issues })
  // Each name was read by its own reader.
  return Object.fromEntries(values) as ParameterValues<Readers>
}

/** Reads a whole number in decimal digits. */
export function integerFrom(min: number, max: number): ParameterReader<number> {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? { value } : { problem: `must be an integer from ${min} to ${max}` }
  }
}

/** Reads one of a few words. */
export function oneOf<const Word extends string>(words: readonly Word[]): ParameterReader<Word> {
  return (text) => {
    const value = words.find((word) => word === text)
    return value === undefined ? { problem: `must be one of ${words.join(', ')}` } : { value }
  }
}

/** Reads `true` or `false`. */
export const flag: ParameterReader<boolean> = (text) =>
  text === 'true' || text === 'false' ? { value: text === 'true' } : { problem: 'must be true or false' }

/** Reads text for which a check holds. */
export function textThat(isRight: (text: string) => boolean, problem: string): ParameterReader<string> {
  return (text) => (isRight(text) ? { value: text } : { problem })
}

// In one pass: `getAll` for each name is quadratic, which a query of a megabyte makes minutes of.
function textsByName(query: URLSearchParams): Map<string, string[]> {
  const texts = new Map<string, string[]>()
  for (const [name, text] of query) {
    const known = texts.get(name)
    if (known === undefined) texts.set(name, [text])
    else known.push(text)
  }
  return texts
}

function unknownParameter(readers: ParameterReaders): string {
  const names = Object.keys(readers)
  return names.length === 0
    ? 'is not a known parameter: this operation takes none'
    : `is not a known parameter: use ${names.join(', ')}`
}
