import { decodeCursor } from '../cursor.ts'
import { hasFilter, type DeliveryQuery, undeliveredState } from '../delivery-query.ts'
import { maxDeliveriesSeen } from '../max-seen.ts'
import { Conditions } from './conditions.ts'
import type { Database } from './database.ts'
import { lastSeenOf } from './last-seen.ts'
import { idsOf, instant } from './sql.ts'
import { isId } from '../../domain/id.ts'

/** The filter as SQL over deliveries `d` and their events `e`. */
export interface Where {
  /** The deliveries, as `d`. */
  readonly deliveries: string
  /** The event of one, as `e`. */
  readonly event: string
  /** What is asked of `d`, and of `e` where the query has a type. */
  readonly condition: string
  readonly conditions: Conditions
  /** Where the query stops looking, as a cursor; null where it looks at all that there is. */
  readonly lastSeen: string | null
}

/** Makes a filter SQL. One call sees a bounded number of deliveries, however few of them fit. */
export async function whereDelivery(database: Database, query: DeliveryQuery, further?: string): Promise<Where> {
  const { deliveries, events } = database.names
  const isAscending = query.order === 'asc'
  const where = new Conditions()
  const undelivered = undeliveredState(query)
  const addTenant = () => where.add((tenantId) => `d.tenant_id = ${tenantId}::text`, query.tenantId)
  if (query.webhookId !== undefined)
    where.add((webhookId) => `d.webhook_id = ${webhookId}::uuid`, uuidOr(query.webhookId))
  // The tenant is no part of the webhook's index, and the bound is to be found without looking into rows.
  const isTenantKnown = query.webhookId === undefined || undelivered !== null
  if (isTenantKnown) addTenant()
  // No parameter: the planner is to see that the partial index holds them.
  if (undelivered !== null) where.add(() => `d.phase = '${undelivered}'`)
  where.startAfter('d.id', decodeCursor(query.cursor), isAscending)
  const isFiltered = further !== undefined || hasFilter(query)
  const isNarrow = query.eventId !== undefined || query.ids !== undefined
  const most = maxDeliveriesSeen(query, further !== undefined)
  const seen =
    isFiltered && !isNarrow ? await lastSeenOf(database, `${deliveries} d`, 'd.id', where, isAscending, most) : null
  const lastSeen = seen !== null && (isTenantKnown || (await isOwn(database, seen, query))) ? seen : null

  if (!isTenantKnown) addTenant()
  if (query.ids !== undefined) {
    where.add((ids) => `d.id = ANY(ARRAY(${idsOf(ids)}))`, JSON.stringify(query.ids.filter(isId)))
  }
  if (query.eventId !== undefined) {
    // Apart, or the planner may take the index of the tenant, which is in the right order, over this one, which finds far less.
    const seq = (tenantId: string, id: string) =>
      `SELECT seq FROM ${events} WHERE tenant_id = ${tenantId}::text AND id = ${id}::uuid`
    where.add(
      (tenantId, id) => `d.id = ANY(ARRAY(SELECT id FROM ${deliveries} WHERE event_seq = (${seq(tenantId, id)})))`,
      query.tenantId,
      uuidOr(query.eventId),
    )
  }
  addFilters(where, query, undelivered === null ? query.state : undefined)
  if (further !== undefined) where.add(() => further)
  // OFFSET 0 keeps the deliveries first.
  const event = `LATERAL (SELECT id, type FROM ${events} WHERE seq = d.event_seq OFFSET 0) e`
  return { deliveries: `${deliveries} d`, event, condition: where.sql, conditions: where, lastSeen }
}

/** Whether a delivery may be named to the tenant: by the id of a webhook, those of another may have been looked through. */
async function isOwn(database: Database, id: string, { tenantId }: DeliveryQuery): Promise<boolean> {
  const { deliveries } = database.names
  const own = `SELECT 1 FROM ${deliveries} WHERE id = $1::uuid AND tenant_id = $2::text`
  return (await database.first(own, [id, tenantId])) !== undefined
}

function addFilters(where: Conditions, { type, after, before }: DeliveryQuery, state: DeliveryQuery['state']): void {
  if (state === 'pending') where.add(() => `d.phase IN ('ready', 'waiting', 'leased')`)
  else if (state !== undefined) where.add((phase) => `d.phase = ${phase}::text`, state)
  if (type !== undefined) where.add((value) => `e.type = ${value}::text`, type)
  if (after !== undefined) where.add((at) => `d.created_at >= ${instant(`${at}::float8`)}`, after.getTime())
  if (before !== undefined) where.add((at) => `d.created_at < ${instant(`${at}::float8`)}`, before.getTime())
}

/** No row has an id of another form: null equals none. */
function uuidOr(id: string): string | null {
  return isId(id) ? id : null
}
