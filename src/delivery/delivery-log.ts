import type { Attempt, Delivery, DeliveryState, Page } from '../domain/delivery.ts'
import { PosthornError } from '../domain/error.ts'
import { isId } from '../domain/id.ts'
import { assertKnown, assertTenantId, invalid, pageLimit } from '../registry/scope.ts'
import type { TenantScope } from '../registry/scope.ts'
import type { DeliveryFilter } from '../storage/query.ts'
import type { Storage } from '../storage/storage.ts'

/** Which deliveries to list; all that is given must hold. */
export interface ListDeliveriesQuery extends TenantScope, DeliveryFilter {
  /** The most deliveries to return, 1 to 100; 50 unless given. */
  readonly limit?: number
  /** `nextCursor` of the page before; null for the first page. */
  readonly cursor?: string | null | undefined
  /** By time of dispatch; newest first (`desc`) unless given. */
  readonly order?: 'asc' | 'desc'
}

const states: readonly DeliveryState[] = ['pending', 'succeeded', 'failed', 'cancelled', 'skipped']

const filters = ['tenantId', 'webhookId', 'eventId', 'state', 'type', 'after', 'before', 'limit', 'cursor', 'order']

// A delivery that is sent again and again gathers any number, of up to 16 KiB each and more.
const maxAttempts = 200

/** Reads deliveries and attempts, and puts deliveries back in line. */
export class DeliveryLog {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  async list(query: ListDeliveriesQuery): Promise<Page<Delivery>> {
    assertKnown(query, filters)
    const { tenantId, limit, cursor, ...rest } = query
    assertFilter(rest)
    const checked = { tenantId: assertTenantId(tenantId), limit: pageLimit(limit) }
    const hasForeignForm = [rest.webhookId, rest.eventId].some((id) => id !== undefined && !isId(id))
    if (hasForeignForm) return { data: [], nextCursor: null }
    return await this.#storage.listDeliveries({ ...rest, ...checked, ...(cursor != null && { cursor }) })
  }

  async get(deliveryId: string, tenantId: string): Promise<Delivery> {
    const delivery = isId(deliveryId) ? await this.#storage.getDelivery(deliveryId, tenantId) : null
    if (delivery === null) throw new PosthornError('NOT_FOUND', 'No such delivery for this tenant.')
    return delivery
  }

  /** The newest attempts, first one first. */
  async attempts({ id, tenantId }: Delivery): Promise<Attempt[]> {
    const attempts: Attempt[] = []
    for (let cursor: string | null | undefined; cursor !== null && attempts.length < maxAttempts;) {
      const query = { tenantId, deliveryId: id, limit: 100, order: 'desc' as const }
      const page: Page<Attempt> = await this.#storage.listAttempts(cursor === undefined ? query : { ...query, cursor })
      attempts.push(...page.data)
      cursor = page.nextCursor
    }
    return attempts.toReversed()
  }

  /** Reads a delivery that can be sent again. */
  async resendable(deliveryId: string, tenantId: string): Promise<Delivery> {
    const delivery = await this.get(deliveryId, tenantId)
    if (delivery.state === 'pending') throw stillPending(deliveryId)
    const event = await this.#storage.getEvent(delivery.eventId, tenantId)
    if (event?.body == null) {
      throw new PosthornError(
        'PAYLOAD_GONE',
        `The body of event ${delivery.eventId} was removed by retention: dispatch it anew.`,
      )
    }
    return delivery
  }

  async requeue({ id, tenantId }: Delivery): Promise<void> {
    const { count } = await this.#storage.requeue({ tenantId, ids: [id], limit: 1 })
    if (count === 0) throw stillPending(id)
  }
}

function assertFilter({ state, order, after, before }: ListDeliveriesQuery): void {
  if (state !== undefined && !states.includes(state)) throw invalid('state', `must be one of ${states.join(', ')}`)
  if (order !== undefined && order !== 'asc' && order !== 'desc') throw invalid('order', 'must be asc or desc')
  for (const [name, at] of Object.entries({ after, before })) {
    if (at !== undefined && !(at instanceof Date && !Number.isNaN(at.getTime())))
      throw invalid(name, 'must be a valid Date')
  }
}

function stillPending(deliveryId: string): PosthornError {
  return new PosthornError('CONFLICT', `Delivery ${deliveryId} is still pending: it is sent without being asked for.`)
}
