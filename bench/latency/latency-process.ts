// Sends events one at a time, or at a given pace, with the time in the body; the receiver tells how long each was under way.
import { setTimeout as pause } from 'node:timers/promises'
import { concurrency } from '../contenders/in-flight.ts'
import { eventData, eventType } from '../contenders/payload.ts'
import { type App, createApp } from '../harness/app.ts'
import { produce } from '../harness/produce.ts'
import { serve } from '../harness/serve.ts'

let send: (number: number) => Promise<unknown>
let flood: (count: number) => Promise<unknown>
let app: App | undefined

serve(
  {
    /** `fetch`, or the name of a storage. */
    create: async ({ sender, url }: { readonly sender: string; readonly url: string }) => {
      if (sender === 'fetch') {
        send = async (number) => {
          const response = await fetch(url, { method: 'POST', body: JSON.stringify(timed(number)) })
          await response.arrayBuffer()
        }
        flood = floodByFetch
        return
      }
      const own = await createApp(sender, { concurrency })
      app = own
      await own.registry.create({ name: 'latency', url, events: ['*'], maxInFlight: concurrency })
      await own.dispatcher.start()
      send = (number) => own.dispatcher.dispatch(eventType, timed(number))
      flood = (count) =>
        produce(own, {
          events: count,
          deliveriesEach: 1,
          producers: concurrency,
          maxOpen: 4 * concurrency,
          dispatch: send,
        })
    },
    /** One after the other, each once the system is idle again. */
    idle: async (count: number) => {
      for (let number = 0; number < count; number++) {
        const delivered = app?.progress.begin(1)
        await send(number)
        await delivered
        // The settlement and whatever follows it are over by then.
        await pause(3)
      }
    },
    /** As many as it can; answers how many that is in a second. */
    flood: async (count: number) => {
      const started = performance.now()
      await flood(count)
      return (count / (performance.now() - started)) * 1000
    },
    /** Evenly spread at this rate, whatever becomes of those before. */
    pace: async ({ count, rate }: { readonly count: number; readonly rate: number }) => {
      const delivered = app?.progress.begin(count)
      const started = performance.now()
      const sent: Promise<unknown>[] = []
      for (let number = 0; number < count;) {
        const due = Math.min(count, Math.floor(((performance.now() - started) / 1000) * rate) + 1)
        for (; number < due; number++) sent.push(send(number))
        await pause(1)
      }
      await Promise.all([...sent, delivered])
    },
  },
  async () => await app?.close(),
)

async function floodByFetch(count: number): Promise<void> {
  let next = 0
  const loop = async () => {
    while (next < count) await send(next++)
  }
  await Promise.all(Array.from({ length: concurrency }, loop))
}

function timed(number: number): Record<string, unknown> {
  return { at: process.hrtime.bigint().toString(), ...eventData(number) }
}
