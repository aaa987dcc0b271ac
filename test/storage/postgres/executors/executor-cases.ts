import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SqlExecutor, SqlParameter } from '../../../../src/storage/sql-executor.ts'
import { isPoolExecutor } from '../../../../src/storage/postgres/executors/executor.ts'
import { toTransaction } from '../../../../src/storage/postgres/transaction.ts'
import { isReachable, serverUrl } from '../server.ts'

/** One client or ORM, open on a database. */
export interface ExecutorSubject {
  /** Runs `work` in a transaction of the client's own: committed where it resolves, rolled back where it rejects. */
  transaction<Result>(work: (executor: SqlExecutor) => Promise<Result>): Promise<Result>
  /** The same on a handle outside of a transaction. */
  readonly outside: SqlExecutor
  /** Whether that handle runs each statement on any of its connections; true unless given. */
  readonly isPool?: boolean
  /** Closes what was opened. */
  close(): Promise<void>
}

/** Where a subject runs: `server` is seen through a second connection; `embedded` has one connection only. */
export type ExecutorPlace = 'server' | 'embedded'

/** What every executor does, on the real client. */
export async function testExecutor(
  name: string,
  place: ExecutorPlace,
  open: (url: string) => Promise<ExecutorSubject>,
): Promise<void> {
  const isThere = place === 'embedded' || (await isReachable())
  describe.skipIf(!isThere)(`${name} (${place})`, () => {
    const bench = new Bench(place, open)
    beforeAll(() => bench.open())
    afterAll(() => bench.close())

    parameterCases(bench)
    rowCases(bench)
    transactionCases(bench)
    errorCases(bench)
  })
}

/** A subject with a table to write to, and somebody who looks at that from outside. */
class Bench {
  readonly table: string
  readonly place: ExecutorPlace
  readonly #schema = `executor_${randomUUID().replaceAll('-', '')}`
  readonly #open: (url: string) => Promise<ExecutorSubject>
  readonly #pool: pg.Pool | undefined
  #subject: ExecutorSubject | undefined

  constructor(place: ExecutorPlace, open: (url: string) => Promise<ExecutorSubject>) {
    this.place = place
    this.table = `${this.#schema}.things`
    this.#open = open
    if (place === 'server') this.#pool = new pg.Pool({ connectionString: serverUrl, max: 1 })
  }

  get subject(): ExecutorSubject {
    if (this.#subject === undefined) throw new Error('the bench is not open')
    return this.#subject
  }

  async open(): Promise<void> {
    this.#subject = await this.#open(serverUrl)
    await this.observe(`CREATE SCHEMA ${this.#schema}`)
    await this.observe(`CREATE TABLE ${this.table} (id text PRIMARY KEY, body text, size bigint)`)
  }

  async close(): Promise<void> {
    await this.observe(`DROP SCHEMA ${this.#schema} CASCADE`)
    await this.#pool?.end()
    await this.subject.close()
  }

  /** Runs one statement in a transaction of the subject's. */
  run(sql: string, ...params: SqlParameter[]): Promise<Record<string, unknown>[]> {
    return this.subject.transaction((executor) => executor.query(sql, params))
  }

  /** Runs one statement on a connection of its own, where there can be one. */
  async observe(sql: string, ...params: SqlParameter[]): Promise<Record<string, unknown>[]> {
    if (this.#pool === undefined) return this.subject.outside.query(sql, params)
    return (await this.#pool.query(sql, params)).rows
  }
}

function parameterCases(bench: Bench): void {
  describe('parameters', () => {
    it.each(Object.entries(texts))('carries %s', async (_, text) => {
      expect(await bench.run('SELECT ($1::text) AS value, length($1::text) AS size', text)).toEqual([
        { value: text, size: [...text].length },
      ])
    })

    it.each([0, -1, 7, 2_147_483_648, Number.MAX_SAFE_INTEGER])('carries the integer %d', async (number) => {
      expect(await bench.run('SELECT ($1::bigint)::text AS value', number)).toEqual([{ value: String(number) }])
    })

    it.each([0, 3, 1.5, -0.000_001, 1_700_000_000_000.5])('carries the number %d', async (number) => {
      expect(await bench.run('SELECT ($1::float8)::text AS value', number)).toEqual([
        { value: expect.toSatisfy((value) => Number(value) === number) },
      ])
    })

    it('carries null for each type', async () => {
      expect(
        await bench.run('SELECT $1::text AS a, ($2::bigint)::text AS b, $3::float8 AS c', null, null, null),
      ).toEqual([{ a: null, b: null, c: null }])
    })

    it('carries every other type as text', async () => {
      const sql = `SELECT ($1::text)::boolean::text AS a, ($2::text)::uuid::text AS b,
        (($3::text)::timestamptz AT TIME ZONE 'UTC')::text AS c, (($4::text)::jsonb -> 'a' ->> 0) AS d`
      const id = randomUUID()
      expect(await bench.run(sql, 'true', id, '2030-01-02T03:04:05.123456Z', '{"a":["?$1"]}')).toEqual([
        { a: 'true', b: id, c: '2030-01-02 03:04:05.123456', d: '?$1' },
      ])
    })

    it('binds by number, in any order and more than once', async () => {
      const numbers = Array.from({ length: 11 }, (_, index) => `p${index + 1}`)
      expect(
        await bench.run(`SELECT concat($11::text, $2::text, $1::text, $2::text, ${all(3, 10)}) AS value`, ...numbers),
      ).toEqual([{ value: 'p11p2p1p2p3p4p5p6p7p8p9p10' }])
    })

    it('leaves alone what only looks like a placeholder', async () => {
      expect(await bench.run(lookalikes, 'first', 'second')).toEqual([
        {
          one: 'first',
          two: 'second',
          literal: "a$1 $2 $ $$ it's ?",
          name: '??',
          quoted: ' $1 ? $3 ',
          has: 'true',
          any: 'true',
          escaped: "'$1?",
          'a ? $1': ':a ::b',
        },
      ])
    })

    it('carries bulk values as one JSON text', async () => {
      const things = Array.from({ length: 500 }, (_, index) => ({
        id: `bulk-${index}`,
        body: `{"n": "${index} ' \\" ?"}`,
      }))
      const sql = `WITH input AS (SELECT * FROM jsonb_to_recordset(($1::text)::jsonb) AS t(id text, body text)),
        written AS (INSERT INTO ${bench.table} (id, body) SELECT id, body FROM input RETURNING id, body)
        SELECT count(*)::text AS count, min(body) AS least FROM written`
      expect(await bench.run(sql, JSON.stringify(things))).toEqual([{ count: '500', least: things[0]?.body }])
    })
  })
}

function rowCases(bench: Bench): void {
  describe('rows', () => {
    it('gives them by the names of their columns', async () => {
      const sql = `SELECT n::text AS "first_name", 'x' || n AS "lastName", 'y' AS "dotted.name" FROM generate_series(1, 2) n`
      expect(await bench.run(sql)).toEqual([
        { first_name: '1', lastName: 'x1', 'dotted.name': 'y' },
        { first_name: '2', lastName: 'x2', 'dotted.name': 'y' },
      ])
    })

    it('gives JSON that is selected as text as text', async () => {
      expect(await bench.run(`SELECT row_to_json(r)::text AS row FROM (SELECT 1 AS a, 'b' AS b) r`)).toEqual([
        { row: '{"a":1,"b":"b"}' },
      ])
    })

    it('gives those of WITH … INSERT … RETURNING', async () => {
      const sql = `WITH input AS (SELECT $1::text AS id) INSERT INTO ${bench.table} (id, size) SELECT id, $2::bigint FROM input RETURNING id, size::text`
      const id = randomUUID()
      expect(await bench.run(sql, id, 42)).toEqual([{ id, size: '42' }])
    })

    it('gives those of UPDATE and DELETE … RETURNING', async () => {
      const id = randomUUID()
      await bench.run(`INSERT INTO ${bench.table} (id) VALUES ($1)`, id)
      expect(
        await bench.run(`UPDATE ${bench.table} SET body = $2 WHERE id = $1 RETURNING id, body`, id, 'new'),
      ).toEqual([{ id, body: 'new' }])
      expect(await bench.run(`DELETE FROM ${bench.table} WHERE id = $1 RETURNING body`, id)).toEqual([{ body: 'new' }])
    })

    it('gives none for a statement that gives none', async () => {
      const id = randomUUID()
      expect(await bench.run(`SELECT id FROM ${bench.table} WHERE id = $1`, id)).toEqual([])
      expect(await bench.run(`INSERT INTO ${bench.table} (id) VALUES ($1)`, id)).toEqual([])
      expect(await bench.run(`UPDATE ${bench.table} SET body = $2 WHERE id = $1`, id, 'new')).toEqual([])
      expect(await bench.run(`DELETE FROM ${bench.table} WHERE id = $1`, id)).toEqual([])
      expect(await bench.run(`DELETE FROM ${bench.table} WHERE id = $1 RETURNING id`, id)).toEqual([])
    })

    it('gives them outside of a transaction too', async () => {
      expect(await bench.subject.outside.query('SELECT $1::text AS value', ['x'])).toEqual([{ value: 'x' }])
    })
  })
}

function transactionCases(bench: Bench): void {
  describe('the transaction', () => {
    const insert = `INSERT INTO ${bench.table} (id) VALUES ($1)`
    const select = `SELECT id FROM ${bench.table} WHERE id = $1`
    const seen = (id: string) => bench.observe(select, id)

    // One connection can only be asked by the transaction itself while that is open.
    it.skipIf(bench.place === 'embedded')('hides what it wrote until the caller commits', async () => {
      const id = randomUUID()
      await bench.subject.transaction(async (executor) => {
        await executor.query(insert, [id])
        expect(await executor.query(select, [id])).toEqual([{ id }])
        expect(await seen(id)).toEqual([])
      })
      expect(await seen(id)).toEqual([{ id }])
    })

    it('keeps what it wrote when the caller commits', async () => {
      const id = randomUUID()
      await bench.run(insert, id)
      expect(await seen(id)).toEqual([{ id }])
    })

    it('leaves nothing when the caller rolls back', async () => {
      const id = randomUUID()
      const work = bench.subject.transaction(async (executor) => {
        await executor.query(insert, [id])
        expect(await executor.query(select, [id])).toEqual([{ id }])
        throw new Error('changed my mind')
      })
      await expect(work).rejects.toThrow('changed my mind')
      expect(await seen(id)).toEqual([])
    })

    it("stays the caller's to roll back when a statement fails", async () => {
      const id = randomUUID()
      const codes: unknown[] = []
      const work = bench.subject.transaction(async (executor) => {
        await executor.query(insert, [id])
        for (const statement of [insert, insert]) {
          await executor.query(statement, [id]).catch((error: unknown) => codes.push(codeOf(error)))
        }
        throw new Error('the caller gives up')
      })
      await expect(work).rejects.toThrow('the caller gives up')
      // unique_violation, then in_failed_sql_transaction: nobody has rolled back in between.
      expect(codes).toEqual(['23505', '25P02'])
      expect(await seen(id)).toEqual([])
    })
  })
}

function errorCases(bench: Bench): void {
  it('rejects with the SQLSTATE as code and without the bound values', async () => {
    const sql = `SELECT 1 / ($2::int), $1::text, '{}'::jsonb ? 'a', '{}'::jsonb ? 'b', 'a - b'`
    const error: unknown = await bench.run(sql, 'whsec_geheim', 0).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Error)
    expect(codeOf(error)).toBe('22012')
    expect(String(error)).toContain('division by zero')
    expect(inspect(error, { depth: 10 })).not.toContain('geheim')
  })

  it('tells a transaction from a pool', async () => {
    expect(await bench.subject.transaction(async (executor) => isPoolExecutor(executor))).toBe(false)
    expect(isPoolExecutor(bench.subject.outside)).toBe(bench.subject.isPool ?? true)
  })

  it('passes for a transaction where one is open, and only there', async () => {
    const answer = await bench.subject.transaction((executor) => toTransaction(executor).query('SELECT 1 AS one', []))
    expect(answer).toEqual([{ one: 1 }])
    expect(() => toTransaction(bench.subject.outside)).toThrow(
      expect.objectContaining({ code: 'TRANSACTIONS_UNSUPPORTED' }),
    )
  })
}

const texts = {
  'an empty text': '',
  unicode: 'Zażółć gęślą jaźń 🦄 \u202E نص \uFEFF é',
  quotes: `'single' "double" \`back\` ''twice''`,
  backslashes: '\\ \\\\ \\n \\u0041 \\? \\',
  'question marks': '? ?? \\? ?| ?&',
  'dollars and numbers': '$1 $2 $$ $$body$$ :name ${x} %s',
  'an injection': `'); DROP TABLE things; --`,
  'line ends and controls': 'a\nb\r\nc\td\u0001\u007F',
  'JSON text': '{"a": [1, 2.0, null, "\\u0000"], "b": {}}',
  'what looks like another type': '2020-01-01T00:00:00.000Z',
  'what looks like a number': '0012',
  'what looks like null': 'null',
  'a megabyte': 'ż?$1\'"\\🦄 '.repeat(100_000),
} as const

const lookalikes = `-- $3 ? it's
  SELECT $1::text AS one, /* $4 ? /* nested '$5' */ ?? */ $2::text AS two, 'a$1 $2 $ $$ it''s ?' AS literal, '??' AS name,
    $$ $1 ? $3 $$ AS quoted, (('{"first": 1}'::jsonb)?$1::text)::text AS has,
    ('{"first": 1}'::jsonb ?| ARRAY[$1, $2]::text[])::text AS any, E'\\'$1?' AS escaped, $tag$:a ::b$tag$ AS "a ? $1"`

function all(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, index) => `$${from + index}::text`).join(', ')
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, 'code') : undefined
}
