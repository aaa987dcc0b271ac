import { createHash } from 'node:crypto'
import { channelOf, type Names, namesIn } from './names.ts'
import { later } from './sql.ts'

/** The names within a function: the time, and whether deliveries that are due are notified, are parameters of it. */
export interface FunctionNames extends Names {
  /** How far `now` is ahead of `wall` in milliseconds, as SQL. */
  readonly ahead: string
  /** Whether to notify, as SQL. */
  readonly isNotifying: string
  readonly channel: string
}

/**
 * An operation of the hot path as a function in the schema, so that each connection plans it once, whatever client and pooler there is:
 * to plan takes longer than to run. Plans are kept from when the tables were empty, so they may neither read whole tables nor compare all rows
 * of a batch with all others, where there is another way; and nothing is compiled, which takes longer than to run, too.
 *
 * The name has a hash of the text: a release that changes a function adds another one, and processes of both releases go on side by side.
 */
export class StoredFunction {
  readonly #title: string
  readonly #own: readonly string[]
  readonly #body: (names: FunctionNames) => string
  readonly #settings: readonly string[]
  readonly #made = new Map<string, { readonly name: string; readonly sql: string }>()

  /**
   * `body` is PL/pgSQL that puts JSON as a text into `answer`. It has its parameters, of the types `own`, as `$1` and so on; `settings` are those
   * that it needs beside the usual ones.
   */
  constructor(
    title: string,
    own: readonly string[],
    body: (names: FunctionNames) => string,
    settings: readonly string[] = [],
  ) {
    this.#title = title
    this.#own = own
    this.#body = body
    this.#settings = settings
  }

  /** The statement that creates it in a schema. */
  creating(schema: string): string {
    return this.#in(schema).sql
  }

  /** The statement that calls it. */
  calling(names: Names): string {
    const own = this.#own.map((type, index) => `$${index + 1}::${type}`)
    const common = [names.wall, `${names.aheadMs}`, `${names.channel !== null}`]
    return `SELECT ${this.#in(names.schemaName).name}(${[...own, ...common].join(', ')}) AS answer`
  }

  /** An expression that calls it from another function. */
  callingWithin(names: FunctionNames, ...own: readonly string[]): string {
    const common = [names.wall, names.ahead, names.isNotifying]
    return `${this.#in(names.schemaName).name}(${[...own, ...common].join(', ')})`
  }

  #in(schema: string) {
    let made = this.#made.get(schema)
    if (made === undefined) {
      const types = [...this.#own, 'timestamptz', 'float8', 'boolean']
      const body = this.#body(this.#names(schema))
      const hash = createHash('sha256').update(body).digest('hex').slice(0, 10)
      const name = `"${schema}".${this.#title}_${hash}`
      made = { name, sql: creation(name, types, body, [...usualSettings, ...this.#settings]) }
      this.#made.set(schema, made)
    }
    return made
  }

  #names(schema: string): FunctionNames {
    const parameter = (place: number) => `$${this.#own.length + place}`
    const [wall, ahead, isNotifying] = [parameter(1), parameter(2), parameter(3)]
    const names = namesIn(schema)
    return { ...names, wall, ahead, now: `(${later(wall, ahead)})`, isNotifying, channel: channelOf(schema) }
  }
}

/** The statement that puts the rows of `select`, after `ctes`, into the answer, as an array. */
export function answerRows(select: string, ctes: string): string {
  return `${ctes} SELECT coalesce(json_agg(r), '[]')::text INTO answer FROM (${select}) r;`
}

/** The statement that puts the one row of `select`, after `ctes`, into the answer, as an object. */
export function answerRow(select: string, ctes: string): string {
  return `${ctes} SELECT row_to_json(r)::text INTO answer FROM (${select}) r;`
}

const usualSettings = [
  'enable_seqscan = off',
  'enable_nestloop = off',
  'jit = off',
  'plan_cache_mode = force_generic_plan',
]

function creation(name: string, types: readonly string[], body: string, settings: readonly string[]): string {
  return `CREATE OR REPLACE FUNCTION ${name}(${types.join(', ')}) RETURNS text LANGUAGE plpgsql
${settings.map((setting) => `SET ${setting}`).join(' ')} AS $posthorn_function$
#variable_conflict use_column
DECLARE answer text;
BEGIN
${body}
RETURN answer;
END $posthorn_function$;`
}
