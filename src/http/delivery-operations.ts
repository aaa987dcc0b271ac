import type { DeliveryState } from '../domain/delivery.ts'
import { isEventType } from '../domain/event-type.ts'
import { jsonResponse } from './json-response.ts'
import { operation } from './operation.ts'
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
  async run({ registry, dispatcher, tenantId, id }, query) {
    const webhook = await registry.get(id, { tenantId })
    const { data, nextCursor } = await dispatcher.listDeliveries({ ...query, tenantId, webhookId: webhook.id })
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
