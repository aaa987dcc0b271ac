import type { Storage, StoredWebhook } from '../storage/storage.ts'

/** Why a webhook is not active. */
export type DisabledReason = 'manual' | 'gone'

// A few hundred rows a statement: long enough to be quick, short enough to let others in between.
const chunk = 500

/** Makes a webhook inactive and cancels what waits for it; null where there is none. */
export async function disableWebhook(
  storage: Storage,
  id: string,
  tenantId: string,
  change: { readonly reason: DisabledReason; readonly now: Date },
): Promise<StoredWebhook | null> {
  const patch = { isActive: false, disabledReason: change.reason, updatedAt: change.now }
  const stored = await storage.updateWebhook(id, tenantId, patch)
  if (stored !== null) await cancelPending(storage, id, tenantId, 'disabled')
  return stored
}

/** Cancels every delivery that waits for a webhook and that nobody holds. */
export async function cancelPending(
  storage: Storage,
  webhookId: string,
  tenantId: string,
  reason: string,
): Promise<void> {
  let cursor: string | null = null
  do {
    const query = { tenantId, webhookId, reason, limit: chunk }
    cursor = (await storage.cancel(cursor === null ? query : { ...query, cursor })).nextCursor
  } while (cursor !== null)
}
