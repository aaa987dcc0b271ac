// What any sender that writes first, delivers and records has to do at least, and nothing else: the events of the producers and their
// deliveries in one statement a group, the requests of the bare loop, then the new states and the attempts in one statement a group.
// On tables of its own: no leases, retries, matching, idempotency, fences, guard, tenants or history to page through, and as few indexes as can be. What it
// costs beyond the bare loop is what the database costs on this machine; over a storage of Posthorn's, what the tables of its promises cost.
// The variant is the database, or `storage` and the name of one.
import { uuidv7 } from 'uuidv7'
import { serveContender } from '../harness/contender.ts'
import { Group } from './group.ts'
import { concurrency } from './in-flight.ts'
import { type LeastEvent, type LeastOutcome, openLeastStore } from './least-store.ts'
import { eventBody } from './payload.ts'
import { Places } from './places.ts'
import { createSend } from './send.ts'

serveContender(async ({ url, variant }) => {
  const send = createSend('undici', url)
  const store = await openLeastStore(variant)
  const writes = new Group<LeastEvent>((events) => store.write(events))
  const records = new Group<LeastOutcome>((outcomes) => store.record(outcomes))
  const open = new Places(4 * concurrency)
  const requests = new Places(concurrency)

  async function deliver({ id, deliveryId, body }: LeastEvent): Promise<void> {
    await requests.take()
    const startedAt = Date.now()
    const started = performance.now()
    await send(id, body)
    const durationMs = performance.now() - started
    requests.giveBack()
    await records.add({ deliveryId, startedAt, durationMs })
    open.giveBack()
  }

  return {
    async run(count) {
      const delivered: Promise<void>[] = []
      let next = 0
      const produce = async () => {
        while (next < count) {
          const number = next++
          await open.take()
          const id = uuidv7()
          const event = { id, deliveryId: uuidv7(), body: eventBody(id, number) }
          await writes.add(event)
          delivered.push(deliver(event))
        }
      }
      await Promise.all(Array.from({ length: concurrency }, produce))
      await Promise.all(delivered)
    },
    close: () => store.remove(),
  }
})
