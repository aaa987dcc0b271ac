import type { Webhook } from '../domain/webhook.ts'
import type { StoredWebhook, WebhookPatch } from '../storage/storage.ts'
import { shownHeaders } from './sealing.ts'
import type { ReplaceWebhookInput, UpdateWebhookInput } from './webhook-input.ts'

/** The cap of a webhook that is given none. */
export const defaultMaxInFlight = 10

/** Every writable field, what is left out at its default. */
export function writableFields(input: Omit<ReplaceWebhookInput, 'headers'>) {
  const isActive = input.isActive ?? true
  return {
    name: input.name,
    url: input.url,
    events: input.events,
    isActive,
    disabledReason: isActive ? null : 'manual',
    description: input.description ?? null,
    metadata: input.metadata ?? {},
    maxInFlight: input.maxInFlight ?? defaultMaxInFlight,
  }
}

/** The fields that were given, with the reason that `isActive` implies. */
export function withDisabledReason(patch: Omit<UpdateWebhookInput, 'headers'>): WebhookPatch {
  const { isActive } = patch
  if (isActive === undefined) return definedFields(patch)
  return { ...definedFields(patch), disabledReason: isActive ? null : 'manual' }
}

// A field that was given as undefined was not given.
function definedFields(patch: Omit<UpdateWebhookInput, 'headers'>): WebhookPatch {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
}

/** A stored webhook as it is shown: without what is sealed, and without what only storage needs. */
export function toWebhook(stored: StoredWebhook): Webhook {
  const { sealed, version: _version, gateUntil: _gateUntil, ...webhook } = stored
  return { ...webhook, headers: shownHeaders(sealed) }
}
