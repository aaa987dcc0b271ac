import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cell, columnsText, readColumns } from '../../../src/storage/postgres/columns.ts'
import { toExecutor } from '../../../src/storage/postgres/postgres-client.ts'
import { clients, type Connected } from './test-database.ts'

const types = { '"aName"': 'text', place: 'integer', isGood: 'boolean', ratio: 'float8', extra: 'jsonb', note: 'text' }

describe.each(clients)('columns as one text on $name', ({ isSkipped, connect }) => {
  describe.skipIf(isSkipped)('read back', () => {
    let connected: Connected
    beforeAll(() => {
      connected = connect()
    })
    afterAll(async () => await connected.end())

    async function readBack(columns: readonly (readonly Cell[])[]): Promise<unknown[]> {
      const sql = `SELECT coalesce(json_agg(json_build_array(n, "aName", place, isGood, ratio, extra, note) ORDER BY n), '[]')::text AS r
        FROM (${readColumns('$1::text', '$2::text', types)}) i`
      const [row] = await toExecutor(connected.client).query(sql, [...columnsText(columns)])
      return JSON.parse(String(Object.values(row!)[0])) as unknown[]
    }

    it('are numbered rows with every type, nulls and empty texts in any place but the first', async () => {
      const columns = [
        ['a', 'b', 'c'],
        [1, null, -3],
        [true, false, undefined],
        [0.25, 1e300, null],
        ['{"a":"b\\u001ec"}', null, '[]'],
        ['', null, ''],
      ]
      expect(await readBack(columns)).toEqual([
        [0, 'a', 1, true, 0.25, { a: 'b\u001ec' }, ''],
        [1, 'b', null, false, 1e300, null, null],
        [2, 'c', -3, null, null, [], ''],
      ])
    })

    it('are one row whose texts are empty, and none', async () => {
      expect(await readBack([['a'], [null], [null], [null], [null], ['']])).toEqual([
        [0, 'a', null, null, null, null, ''],
      ])
      expect(await readBack([[], [], [], [], [], []])).toEqual([])
    })

    it('keep texts that hold the separators, alone and in a row', async () => {
      const texts = ['\u001d', '\u001e', '\u001f', 'a\u001d\u001e\u001fb', '\u001e\u001e', '\u001f\u001e']
      const names = texts.map((text, n) => `${n}${text}`)
      const none = texts.map(() => null)
      const rows = await readBack([names, none, none, none, none, texts])
      expect(rows).toEqual(texts.map((text, n) => [n, names[n], null, null, null, null, text]))
    })

    it('are what they were, whatever they were', async () => {
      const text = fc.string({
        unit: fc.constantFrom('a', '"', '\\', ',', '{', '\n', '\u001d', '\u001e', '\u001f', 'é', '😀'),
      })
      const row = fc.tuple(text, fc.option(text))
      const property = fc.asyncProperty(fc.array(row, { maxLength: 5 }), async (rows) => {
        const none = rows.map(() => null)
        const names = rows.map(([name]) => `n${name}`)
        const columns = [names, none, none, none, none, rows.map(([, note]) => note)]
        const expected = rows.map(([, note], n) => [n, names[n], null, null, null, null, note])
        expect(await readBack(columns)).toEqual(expected)
      })
      await fc.assert(property, { numRuns: 200 })
    })
  })
})

describe('the mark of columns', () => {
  it('is empty where no text has a separator, and another each time where one has', () => {
    expect(columnsText([['a'], ['b\nc']])).toEqual(['a\u001db\nc\u001e\u001f', ''])
    const marks = Array.from({ length: 3 }, () => columnsText([['a'], ['b\u001ec']])[1])
    expect(new Set(marks).size).toBe(3)
    for (const mark of marks) expect(mark.length).toBeGreaterThanOrEqual(32)
  })
})
