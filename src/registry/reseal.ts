import { PosthornError } from '../domain/error.ts'
import type { Storage, StoredWebhook } from '../storage/storage.ts'
import type { Vault } from './vault.ts'

/** Which webhooks one {@link WebhookRegistry.reseal} looks at. */
export interface ResealOptions {
  /** The most webhooks to look at, 1 to 1,000; 100 unless given. */
  readonly limit?: number
  /** `nextCursor` of the call before, also of another process; the oldest webhook first unless given. */
  readonly cursor?: string
  /** Ends it between two webhooks; the call then rejects with the signal's reason, and what was sealed stays so. */
  readonly signal?: AbortSignal
}

/** What one {@link WebhookRegistry.reseal} did. */
export interface ResealResult {
  /** How many webhooks it looked at. */
  readonly seen: number
  /** How many of them it sealed with the newest key. */
  readonly resealed: number
  /** The ids of those that cannot be opened: their row is damaged, or their key is not in the keyring. They are left as they are. */
  readonly unreadable: readonly string[]
  /** Pass it on to go on; null when all webhooks were seen. */
  readonly nextCursor: string | null
}

const maxTries = 3

/** Seals one chunk of webhooks, of all tenants, with the newest key. */
export async function resealChunk(
  storage: Storage,
  vault: Vault,
  { limit = 100, cursor, signal }: ResealOptions,
): Promise<ResealResult> {
  const page = await storage.listAllWebhooks({ limit, order: 'asc', ...(cursor !== undefined && { cursor }) })
  const unreadable: string[] = []
  let resealed = 0
  for (const webhook of page.data) {
    signal?.throwIfAborted()
    try {
      if (await reseal(storage, vault, webhook)) resealed++
    } catch (error) {
      if (!isUnreadable(error)) throw error
      unreadable.push(webhook.id)
    }
  }
  return { seen: page.data.length, resealed, unreadable, nextCursor: page.nextCursor }
}

// False where nothing is to be done: it is sealed so already, or gone.
async function reseal(storage: Storage, vault: Vault, listed: StoredWebhook): Promise<boolean> {
  const { id, tenantId } = listed
  let stored: StoredWebhook | null = listed
  for (let tries = 1; stored !== null && !vault.isCurrent(stored.sealed); tries++) {
    const sealed = await vault.seal(await vault.open(stored), stored)
    try {
      return (await storage.updateWebhook(id, tenantId, { sealed }, stored.version)) !== null
    } catch (error) {
      // Somebody changed it in between: what it keeps may be another by now.
      if (tries === maxTries || !(error instanceof PosthornError && error.code === 'CONFLICT')) throw error
      stored = await storage.getWebhook(id, tenantId)
    }
  }
  return false
}

function isUnreadable(error: unknown): boolean {
  if (!(error instanceof PosthornError)) return false
  return error.code === 'SECRET_UNREADABLE' || error.code === 'ENCRYPTION_KEY_UNKNOWN'
}
