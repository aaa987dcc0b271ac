// Posthorn as a user writes it: events are dispatched one by one, and delivered by the same process. The variant is the storage.
import { createApp } from '../harness/app.ts'
import { serveContender } from '../harness/contender.ts'
import { produce } from '../harness/produce.ts'
import { concurrency } from './in-flight.ts'
import { eventData, eventType } from './payload.ts'

const maxOpen = 4 * concurrency

serveContender(async ({ url, variant }) => {
  const app = await createApp(variant, { concurrency, maxPendingPerTenant: 10_000_000 })
  const { dispatcher, registry } = app
  await registry.create({ name: 'bench', url, events: ['invoice.*'], maxInFlight: maxOpen })
  return {
    // Left running over all rounds, as in an app, and idle in those of the others: its connections stay open, as theirs do.
    begin: () => dispatcher.start(),
    run: (count) =>
      produce(app, {
        events: count,
        deliveriesEach: 1,
        producers: concurrency,
        maxOpen,
        dispatch: (number) => dispatcher.dispatch(eventType, eventData(number)),
      }),
    close: () => app.close(),
  }
})
