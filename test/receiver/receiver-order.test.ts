import fc from 'fast-check'
import { createReceiver, defineEvents, memoryIdempotency, type Receiver } from 'posthorn/receiver'
import { generateSecret, Signer, Verifier } from 'posthorn/verify'
import { describe, expect, it } from 'vitest'
import { overridingStore, secret, signedHeaders, url } from './receiver-fixture.ts'

/** One request, right or wrong in every way that a step looks for, and what fails on this side meanwhile. */
const requests = fc.record({
  isSigned: fc.boolean(),
  isStale: fc.boolean(),
  isTampered: fc.boolean(),
  isJson: fc.boolean(),
  type: fc.constantFrom('order.paid', 'order.lost', '__proto__', ''),
  fits: fc.boolean(),
  id: fc.constantFrom('a', 'b', 'c'),
  failsAt: fc.constantFrom('reserve', 'handler', 'settle', 'nothing'),
})
type Received = typeof requests extends fc.Arbitrary<infer Value> ? Value : never

const steps = ['verify', 'parse', 'validate', 'reserve', 'handler', 'settle']

/** A receiver of which every step leaves its trace, and fails when told. */
function tracedReceiver(trace: string[], failure: { at: string }): Receiver {
  const step = (name: string) => {
    trace.push(name)
    if (failure.at === name) throw new Error(name)
  }
  const verifier = new Verifier({ secret })
  const store = memoryIdempotency()
  const validate = (value: unknown) => {
    step('validate')
    return value === 'fits' ? { value } : { issues: [{ message: 'does not fit' }] }
  }
  return createReceiver({
    verifier: {
      scheme: verifier.scheme,
      verify: async (input) => {
        step('verify')
        return await verifier.verify(input)
      },
    },
    events: defineEvents({ 'order.paid': { '~standard': { version: 1, vendor: 'test', validate } } }),
    on: { 'order.paid': () => step('handler') },
    onUnknown: () => step('handler'),
    readEnvelope: (webhook) => {
      step('parse')
      return webhook.payload as { type: string; data: unknown } // the tests send nothing else
    },
    idempotency: overridingStore({
      reserve: async (reservation) => {
        step('reserve')
        return await store.reserve(reservation)
      },
      complete: async (held, keepMs) => {
        step('settle')
        return await store.complete(held, keepMs)
      },
      release: async (held) => {
        step('settle')
        return await store.release(held)
      },
    }),
    onError: () => undefined,
  })
}

async function requestOf({ isSigned, isStale, isTampered, isJson, type, fits, id }: Received): Promise<Request> {
  const json = JSON.stringify({ type, data: fits ? 'fits' : 'does not' })
  const body = isJson ? json : json.slice(1)
  const signer = new Signer({ secret: isSigned ? secret : generateSecret() })
  const headers = await signedHeaders({ id, body, signer, at: new Date(Date.now() - (isStale ? 600_000 : 0)) })
  return new Request(url, { method: 'POST', headers, body: isTampered ? `${body} ` : body })
}

/** What is to become of a request: how many of the steps are taken, and the answer. `events` is what each id has come to. */
function expectation(
  one: Received,
  events: Map<string, 'reserved' | 'completed'>,
): readonly [last: string, status: number] {
  if (!one.isSigned || one.isStale || one.isTampered) return ['verify', 401]
  if (!one.isJson) return ['parse', 400]
  if (one.type === 'order.paid' && !one.fits) return ['validate', 422]
  if (one.failsAt === 'reserve') return ['reserve', 503]
  const known = events.get(one.id)
  if (known !== undefined) return ['reserve', known === 'completed' ? 200 : 409]
  if (one.failsAt === 'handler') return ['settle', 500]
  events.set(one.id, one.failsAt === 'settle' ? 'reserved' : 'completed')
  return ['settle', 200]
}

describe('createReceiver', () => {
  it('takes its steps in one order, whatever comes in: no handler before all of them, none after a refusal', async () => {
    const property = async (received: readonly Received[]) => {
      const [trace, failure] = [[] as string[], { at: 'nothing' }]
      const receiver = tracedReceiver(trace, failure)
      const events = new Map<string, 'reserved' | 'completed'>()
      for (const one of received) {
        trace.length = 0
        failure.at = one.failsAt
        const { status } = await receiver.fetch(await requestOf(one))
        const [last, expected] = expectation(one, events)
        const taken = steps.slice(0, steps.indexOf(last) + 1)
        expect(trace).toEqual(taken.filter((step) => step !== 'validate' || one.type === 'order.paid'))
        expect(status).toBe(expected)
      }
    }
    await fc.assert(fc.asyncProperty(fc.array(requests, { minLength: 1, maxLength: 8 }), property), { numRuns: 150 })
  })
})
