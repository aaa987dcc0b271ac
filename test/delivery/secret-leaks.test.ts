import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { generateSecret, ipaScheme, standardWebhooks } from 'posthorn'
import { describe, expect, it } from 'vitest'
import { tempFile } from '../storage/sqlite/temp-file.ts'
import { captureOutput, databaseOf, startWire } from './leak-places.ts'
import { Scenario, stepNames } from './leak-scenario.ts'
import { leaks, needlesOf } from './needles.ts'

const tail = fc.string({ unit: fc.constantFrom(...'aZ09 "\\%+/=~'.split('')), maxLength: 12 })
const headerValue = tail.map((text) => `${randomBytes(9).toString('hex')}${text}x`)
const configuration = fc.record({
  keys: fc.integer({ min: 1, max: 3 }),
  schemes: fc.constantFrom([standardWebhooks], [ipaScheme], [standardWebhooks, ipaScheme]),
  statuses: fc.array(fc.constantFrom(204, 500, 400, 410, 0), { minLength: 1, maxLength: 3 }),
  headers: fc.dictionary(fc.constantFrom('authorization', 'X-Api-Key', 'x-other'), headerValue),
  steps: fc.array(fc.constantFrom(...stepNames), { minLength: 3, maxLength: 8 }),
})
type Configuration = typeof configuration extends fc.Arbitrary<infer Value> ? Value : never

/** Runs one configuration and gives every place where nothing may be found, the wire apart. */
async function run({ statuses, steps, ...options }: Configuration) {
  const file = tempFile()
  const output = captureOutput()
  const wire = await startWire(statuses)
  const scenario = new Scenario({ ...options, file, url: wire.url })
  try {
    await scenario.create()
    for (const step of ['test' as const, ...steps]) await scenario.step(step)
    await scenario.readAll()
    await scenario.dispatcher.stop()
    const open = databaseOf(file)
    await scenario.storage.close()
    const shown: [string, Buffer][] = [
      ['answers, errors and lifecycle events', Buffer.from(scenario.seen.join('\n'))],
      ['output', Buffer.from(output.text())],
    ]
    const places = new Map([...shown, ...open, ...databaseOf(file)])
    const { secrets, values, id } = scenario
    return { secrets, values, places, wire: wire.bytes(), isWritten: open.some(([, bytes]) => bytes.includes(id)) }
  } finally {
    output.end()
    await scenario.dispatcher.stop({ timeoutMs: 0 })
    await wire.close()
  }
}

// Node 20 has no node:sqlite.
const hasSqlite = process.getBuiltinModule('node:sqlite') !== undefined

describe.skipIf(!hasSqlite)('a secret', () => {
  it('is nowhere but in the answer that shows it, whatever is configured and done', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(configuration, async (configured) => {
        const { secrets, values, places, wire, isWritten } = await run(configured)
        expect(isWritten).toBe(true)
        expect(leaks([...secrets, ...values], places)).toEqual([])
        expect(leaks(secrets, new Map([['wire', wire]]))).toEqual([])
        // Headers are what the wire is for: what was configured was sent.
        for (const value of Object.values(configured.headers)) expect(wire.includes(value)).toBe(true)
      }),
      { numRuns: 12 },
    )
  })

  it('would be found in any of its forms', () => {
    const secret = generateSecret()
    const value = 'a "quoted" value'
    const bytes = Buffer.from(secret.slice(6), 'base64')
    const forms = [bytes, secret, bytes.toString('hex'), bytes.toString('base64url'), encodeURIComponent(secret)]
    for (const form of forms) expect(leaks([secret], new Map([['here', Buffer.from(form)]]))).toHaveLength(1)
    for (const form of [JSON.stringify({ value }), JSON.stringify(JSON.stringify({ value }))]) {
      expect(leaks([value], new Map([['here', Buffer.from(form)]]))).toHaveLength(1)
    }
    expect(needlesOf(value).every((needle) => needle.length >= value.length)).toBe(true)
  })
})
