import type { DeliveryState } from '../domain/delivery.ts'
import { isEventType } from '../domain/event-type.ts'
import { jsonResponse } from './json-response.ts'
import { operation, type Call } from './operation.ts'
import { oneOf, textThat } from './query.ts'
import { pageParameters } from './webhook-operations.ts'

const states: readonly DeliveryState[] = ['pending', 'succeeded', 'failed', 'cancelled', 'skipped']

const deliveryParameters = {
  ...pageParameters,
  state: oneOf(states),
  type: textThat(isEventType, 'must be an event type: [A-Za-z0-9_] segments joined by dots'),
}

export const testWebhook = operation({
  async run({ dispatcher, guards, tenantId, id, signal }) {
    const tooOften = guards.tests.take(tenantId)
    if (tooOften !== null) return tooOften
    const { eventId, deliveryId, state, attempt } = await dispatcher.test(id, { tenantId, signal })
    return jsonResponse(200, { eventId, deliveryId, state, attempt })
  },
})

export const listDeliveries = operation({
  query: deliveryParameters,
  async run(call, query) {
    const { dispatcher, guards, tenantId, id } = call
    const filter = { webhookId: id, state: query.state, type: query.type }
    const place = { listing: 'deliveries', tenantId, filter }
    const page = guards.cursors.page(query.cursor, place)
    const { data, nextCursor } = await dispatcher.listDeliveries({ ...query, ...page, tenantId, webhookId: id })
    if (data.length === 0) await assertKnownWebhook(call)
    return jsonResponse(200, { data, nextCursor: guards.cursors.seal(nextCursor, place) })
  },
})

export const getDelivery = operation({
  async run({ dispatcher, tenantId, id }) {
    return jsonResponse(200, await dispatcher.getDelivery(id, { tenantId }))
  },
})

export const resendDelivery = operation({
  async run({ dispatcher, guards, tenantId, id }) {
    const tooOften = guards.resends.take(tenantId)
    if (tooOften !== null) return tooOften
    return jsonResponse(202, await dispatcher.resend(id, { tenantId }))
  },
})

// Deliveries outlive their webhook: it is unknown only where none of them is left.
async function assertKnownWebhook({ registry, dispatcher, tenantId, id }: Call): Promise<void> {
  const { data } = await dispatcher.listDeliveries({ tenantId, webhookId: id, limit: 1 })
  if (data.length === 0) await registry.get(id, { tenantId })
}
