import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineEvents, PosthornError } from 'posthorn'

const events = defineEvents({
  'execution.completed': z.object({ executionId: z.string(), steps: z.array(z.object({ name: z.string() })) }),
  'workflow.created': v.object({ workflowId: v.string() }),
})

async function problemOf(check: () => unknown): Promise<PosthornError> {
  try {
    await check()
  } catch (error) {
    if (error instanceof PosthornError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('defineEvents', () => {
  it('keeps the types in order', () => {
    expect(events.types).toEqual(['execution.completed', 'workflow.created'])
    expect(events.has('workflow.created')).toBe(true)
    expect(events.has('toString')).toBe(false)
  })

  it('accepts schemas of any Standard Schema library', async () => {
    await events.validate('execution.completed', { executionId: '1', steps: [] })
    await events.validate('workflow.created', { workflowId: '1' })
    expect(await problemOf(() => events.validate('workflow.created', {}))).toMatchObject({ code: 'INVALID_EVENT' })
  })

  it('names type and path of every problem', async () => {
    const error = await problemOf(() =>
      events.validate('execution.completed', { executionId: 1, steps: [{}, { name: 2 }] }),
    )
    expect(error.code).toBe('INVALID_EVENT')
    expect(error.message).toContain('execution.completed')
    expect(error.issues.map((issue) => issue.path)).toEqual(['executionId', 'steps[0].name', 'steps[1].name'])
  })

  it('refuses a type that it does not have', async () => {
    expect(await problemOf(() => events.validate('execution.complete', {}))).toMatchObject({
      code: 'INVALID_EVENT',
      issues: [{ path: 'type' }],
    })
  })

  it('waits for asynchronous schemas', async () => {
    const slow = defineEvents({ 'a.b': z.string().refine(async (text) => text === 'yes') })
    await slow.validate('a.b', 'yes')
    await expect(slow.validate('a.b', 'no')).rejects.toMatchObject({ code: 'INVALID_EVENT' })
  })

  it('waits for what has a then, whatever it is', async () => {
    const thenable = { then: (resolve: (result: object) => void) => resolve({ issues: [{ message: 'no' }] }) }
    const validate = () => thenable as unknown as Promise<{ issues: [] }>
    const odd = defineEvents({ 'a.b': { '~standard': { version: 1, vendor: 'test', validate } } })
    expect(await problemOf(() => odd.validate('a.b', {}))).toMatchObject({
      code: 'INVALID_EVENT',
      issues: [{ message: 'no' }],
    })
  })

  it('refuses data whose schema throws', async () => {
    const broken = defineEvents({
      'a.b': z.string().transform(() => {
        throw new Error('bug')
      }),
    })
    expect(await problemOf(() => broken.validate('a.b', 'x'))).toMatchObject({
      code: 'INVALID_EVENT',
      cause: { message: 'bug' },
    })
  })

  it('says which patterns can match', () => {
    expect(['*', 'execution.*', 'workflow.created'].every((pattern) => events.matches(pattern))).toBe(true)
    expect(['exec.*', 'workflow', 'workflow.created.*'].some((pattern) => events.matches(pattern))).toBe(false)
  })

  it('refuses malformed and reserved types and what is not a schema', () => {
    expect(() => defineEvents({ 'a b': z.string() })).toThrow(/"a b" is malformed/)
    expect(() => defineEvents({ 'webhook.test': z.string() })).toThrow(/reserved/)
    // @ts-expect-error a plain object is no Standard Schema
    expect(() => defineEvents({ a: { type: 'string' } })).toThrow(/Standard Schema/)
  })
})
