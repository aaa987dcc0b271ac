import type { App } from './app.ts'

/** How events are produced. */
export interface Production {
  readonly events: number
  /** How many deliveries each event makes. */
  readonly deliveriesEach: number
  /** How many calls of `dispatch` are under way at once. */
  readonly producers: number
  /** How many deliveries may be open: a producer that is not held back only measures how long a queue gets. */
  readonly maxOpen: number
  readonly dispatch: (number: number) => Promise<unknown>
}

/** Dispatches steadily, and resolves once everything is delivered and recorded. */
export async function produce({ progress }: App, production: Production): Promise<void> {
  const { events, deliveriesEach, producers, maxOpen, dispatch } = production
  const done = progress.begin(events * deliveriesEach)
  let next = 0
  const producer = async () => {
    while (next < events) {
      const number = next++
      await progress.room((number + 1) * deliveriesEach, Math.max(maxOpen, deliveriesEach))
      await dispatch(number)
    }
  }
  await Promise.all([...Array.from({ length: producers }, producer), done])
}
