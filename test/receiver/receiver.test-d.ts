import { describe, expectTypeOf, it } from 'vitest'
import { createReceiver, defineEvents, type ReceivedEvent } from 'posthorn/receiver'
import { Verifier } from 'posthorn/verify'
import { z } from 'zod'

const verifier = new Verifier({ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' })
const idempotency = 'none'
const events = defineEvents({
  'execution.completed': z.object({ executionId: z.string() }),
  'workflow.created': z.object({ workflowId: z.string(), attempts: z.number().default(0) }),
})

describe('createReceiver', () => {
  it('gives each handler the data that its schema makes', () => {
    createReceiver({
      verifier,
      events,
      idempotency,
      on: {
        'execution.completed': (event) => {
          expectTypeOf(event.type).toEqualTypeOf<'execution.completed'>()
          expectTypeOf(event.data).toEqualTypeOf<{ executionId: string }>()
          expectTypeOf(event.id).toEqualTypeOf<string | null>()
        },
        'workflow.created': ({ data }, { signal }) => {
          expectTypeOf(data).toEqualTypeOf<{ workflowId: string; attempts: number }>()
          expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
        },
      },
      onUnknown: (event) => expectTypeOf(event).toEqualTypeOf<ReceivedEvent>(),
    })
  })

  it('takes handlers for some of the types, and refuses a wrong type name', () => {
    createReceiver({ verifier, events, idempotency, on: {} })
    createReceiver({
      verifier,
      events,
      idempotency,
      // @ts-expect-error no such type
      on: { 'execution.complete': () => undefined },
    })
  })

  it('refuses a handler of another type', () => {
    const handler = (event: ReceivedEvent<'workflow.created', { workflowId: string }>) => event.data.workflowId
    createReceiver({
      verifier,
      events,
      idempotency,
      // @ts-expect-error the data of another type
      on: { 'execution.completed': handler },
    })
  })

  it('gives unknown data where there is no catalogue', () => {
    createReceiver({
      verifier,
      idempotency,
      on: {
        'any.type': ({ type, data }) => expectTypeOf({ type, data }).toEqualTypeOf<{ type: string; data: unknown }>(),
      },
    })
  })

  it('refuses to be made without idempotency', () => {
    // @ts-expect-error idempotency is missing
    createReceiver({ verifier, events, on: {} })
  })
})
