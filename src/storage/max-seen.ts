import { type DeliveryQuery, undeliveredState } from './delivery-query.ts'

// A page is waited for, on SQLite by the whole process: some ten milliseconds of work. The rows of a tenant mostly lie side by side; those of one of its
// webhooks, and those that did not succeed, each in a page of the table of its own.
const together = 3_000
const apart = 300
// A change goes on until it is through.
const ofChange = 10_000

/** How many events a page looks through for the few that fit a filter without an index. */
export const maxEventsSeen = together

/** How many deliveries a page, or a change, looks through for the few that fit a filter without an index. */
export function maxDeliveriesSeen(query: DeliveryQuery, isChange: boolean): number {
  if (isChange) return ofChange
  return query.webhookId === undefined && undeliveredState(query) === null ? together : apart
}
