import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { defineEvents, EventDispatcher, memoryStorage, WebhookRegistry } from 'posthorn'

const events = defineEvents({
  'execution.completed': z.object({ executionId: z.string() }),
  'workflow.created': z.object({ workflowId: z.string(), attempts: z.number().default(0) }),
})
const registry = new WebhookRegistry({ storage: memoryStorage(), events })
const dispatcher = new EventDispatcher({ registry })
const untyped = new EventDispatcher({ registry: new WebhookRegistry({ storage: memoryStorage() }) })

describe('dispatch', () => {
  it('accepts a type of the catalogue with its data', () => {
    expectTypeOf(dispatcher.dispatch<'execution.completed'>)
      .parameter(1)
      .toEqualTypeOf<{ executionId: string }>()
    void dispatcher.dispatch('workflow.created', { workflowId: '1' })
  })

  it('refuses a wrong type name', () => {
    // @ts-expect-error no such type
    void dispatcher.dispatch('execution.complete', { executionId: '42' })
  })

  it('refuses a wrong payload', () => {
    // @ts-expect-error a number where a string is due
    void dispatcher.dispatch('execution.completed', { executionId: 42 })
    // @ts-expect-error the data of another type
    void dispatcher.dispatch('execution.completed', { workflowId: '42' })
  })

  it('refuses a wrong payload among many', () => {
    void dispatcher.dispatchMany([{ type: 'execution.completed', data: { executionId: '42' } }])
    // @ts-expect-error the data of another type
    void dispatcher.dispatchMany([{ type: 'execution.completed', data: { workflowId: '42' } }])
  })

  it('accepts anything where there is no catalogue', () => {
    void untyped.dispatch('any.type', { any: 'data' })
  })

  it('gives a typed dispatcher where any dispatcher is taken', () => {
    const take = (_registry: WebhookRegistry, _dispatcher: EventDispatcher) => {}
    take(registry, dispatcher)
  })
})
