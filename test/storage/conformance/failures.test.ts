import assert from 'node:assert/strict'
import { describe, expect, it } from 'vitest'
import { altered, type Alteration } from './alter.ts'
import { collectCases } from './collect-cases.ts'

describe('a failure of storageConformance', () => {
  // It said "Missing expected rejection." and nothing more.
  it('begins with the name of its case, and says where the rule stands', async () => {
    const name = 'enqueue: writes nothing of a batch that gives two deliveries one id'
    const error = await failureOf(name, (inner) => ({
      enqueue: (events, options) => inner.enqueue(events, options).catch(() => ({ results: [], claimed: [] })),
    }))
    expect(error.message).toBe(
      `${name} (the rule stands in the comments of the Storage interface)\nMissing expected rejection.`,
    )
    expect(error.cause).toMatchObject({ message: 'Missing expected rejection.' })
  })

  it('keeps what was met and expected, and the line of the assertion', async () => {
    const name = 'enqueue: accepts a repeated event id and writes nothing'
    const error = await failureOf(name, (inner) => ({
      getEvent: async (id, tenantId) => {
        const event = await inner.getEvent(id, tenantId)
        return event && { ...event, body: '$& other' }
      },
    }))
    expect(error).toBeInstanceOf(assert.AssertionError)
    expect(error).toMatchObject({ actual: '$& other', expected: '{"order":1}', operator: 'strictEqual' })
    expect(error.stack).toMatch(new RegExp(`^AssertionError.*: ${name}[^]* at .*enqueue-cases.ts`))
  })

  it('keeps what a storage rejected with as its cause', async () => {
    const full = new Error('disk full')
    const error = await failureOf('enqueue: answers in the order of the events', () => ({
      enqueue: () => Promise.reject(full),
    }))
    expect(error.message).toMatch(/^enqueue: answers in the order of the events .*\ndisk full$/)
    expect(error.cause).toBe(full)
    expect(error.stack).toContain('failures.test.ts')
  })
})

async function failureOf(name: string, alteration: Alteration): Promise<Error> {
  const found = collectCases(altered(alteration)).find((collected) => collected.name === name)
  const error: unknown = await found?.run().catch((caught: unknown) => caught)
  assert.ok(error instanceof Error, `${name} failed`)
  return error
}
