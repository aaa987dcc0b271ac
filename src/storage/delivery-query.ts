import type { DeliveryState } from '../domain/delivery.ts'
import type { DeliveryFilter } from './query.ts'

/** Which deliveries an SQL adapter looks for, from which cursor on. */
export interface DeliveryQuery extends DeliveryFilter {
  readonly tenantId: string
  readonly ids?: readonly string[]
  readonly cursor?: string
  readonly order?: 'asc' | 'desc'
}

/** How deliveries end without success. SQL adapters keep an index of these: the few that an operator looks for stand among many that succeeded. */
export type UndeliveredState = 'failed' | 'cancelled' | 'skipped'

/** The state that the index of undelivered ones is to be asked for; null where it is of no use, or another finds less. */
export function undeliveredState({ state, eventId, ids }: DeliveryQuery): UndeliveredState | null {
  return isUndelivered(state) && eventId === undefined && ids === undefined ? state : null
}

/** Whether rows have to be looked into, so that many may be passed over for one that fits. */
export function hasFilter(query: DeliveryQuery): boolean {
  const { webhookId, state, type, after, before } = query
  const filters = [type, after, before]
  // The index of a webhook does not say whose it is: of somebody else's no row fits. That of undelivered ones does.
  if (undeliveredState(query) === null) filters.push(webhookId, state)
  return filters.some((filter) => filter !== undefined)
}

function isUndelivered(state: DeliveryState | undefined): state is UndeliveredState {
  return state === 'failed' || state === 'cancelled' || state === 'skipped'
}
