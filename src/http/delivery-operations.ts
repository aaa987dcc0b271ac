import type { DeliveryState } from '../domain/delivery.ts'
import { isEventType } from '../domain/event-type.ts'
import { jsonResponse } from './json-response.ts'
import { operation, type Call } from './operation.ts'
import { oneOf, textThat } from './query.ts'
import { pageParameters } from './webhook-operations.ts'

const states: readonly DeliveryState[] = ['pending', 'succeeded', 'failed', 'cancelled', 'skipped']

export const testWebhook = operation({
  async run({ dispatcher, tenantId, id, signal }) {
    const { eventId, deliveryId, state, attempt } = await dispatcher.test(id, { tenantId, signal })
    return jsonResponse(200, { eventId, deliveryId, state, attempt })
  },
})

export const listDeliveries = operation({
  query: {
    ...pageParameters,
    state: oneOf(states),
    type: textThat(isEventType, 'must be an event type: [A-Za-z0-9_] segments joined by dots'),
  },
  async run(call, query) {
    const { dispatcher, tenantId, id } = call
    const { data, nextCursor } = await dispatcher.listDeliveries({ ...query, tenantId, webhookId: id })
    if (data.length === 0) await assertKnownWebhook(call)
    return jsonResponse(200, { data, nextCursor })
  },
})

export const getDelivery = operation({
  async run({ dispatcher, tenantId, id }) {
    return jsonResponse(200, await dispatcher.getDelivery(id, { tenantId }))
  },
})

export const resendDelivery = operation({
  async run({ dispatcher, tenantId, id }) {
    return jsonResponse(202, await dispatcher.resend(id, { tenantId }))
  },
})

// Deliveries outlive their webhook: it is unknown only where none of them is left.
async function assertKnownWebhook({ registry, dispatcher, tenantId, id }: Call): Promise<void> {
  const { data } = await dispatcher.listDeliveries({ tenantId, webhookId: id, limit: 1 })
  if (data.length === 0) await registry.get(id, { tenantId })
}
