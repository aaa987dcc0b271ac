import { PosthornError } from '../domain/error.ts'
import type { Storage, StoredWebhook } from '../storage/storage.ts'

// A few hundred rows a statement: long enough to be quick, short enough to let others in between.
const chunk = 500
const maxTries = 5

/**
 * Disables a webhook whose receiver answered 410, and cancels what waits for it. Does nothing, and says false, where it is not active
 * any more or has another URL by now.
 */
export async function disableGone(storage: Storage, called: StoredWebhook, now: Date): Promise<boolean> {
  const { id, tenantId, url } = called
  for (let tries = 1; ; tries++) {
    const stored = await storage.getWebhook(id, tenantId)
    if (stored === null || !stored.isActive || stored.url !== url) return false
    const patch = { isActive: false, disabledReason: 'gone', updatedAt: now }
    try {
      if ((await storage.updateWebhook(id, tenantId, patch, stored.version)) === null) return false
      break
    } catch (error) {
      // Somebody changed it in between: look again.
      if (tries === maxTries || !(error instanceof PosthornError && error.code === 'CONFLICT')) throw error
    }
  }
  await cancelPending(storage, id, tenantId, 'disabled')
  return true
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
    // A storage on this thread answers without a turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 0))
  } while (cursor !== null)
}
