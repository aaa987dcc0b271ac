import type { DeliveryFilter } from './query.ts'

/** Which deliveries an SQL adapter looks for, from which cursor on. */
export interface DeliveryQuery extends DeliveryFilter {
  readonly tenantId: string
  readonly ids?: readonly string[]
  readonly cursor?: string
  readonly order?: 'asc' | 'desc'
}

/** Whether rows have to be looked into, so that many may be passed over for one that fits. */
export function hasFilter({ state, type, after, before }: DeliveryQuery): boolean {
  return [state, type, after, before].some((filter) => filter !== undefined)
}
