import type { Storage } from '../../src/storage/storage.ts'
import type { WebhookMatch } from '../../src/storage/query.ts'

/** What a storage overrides to have the capability `checksMatches`. It compares as much of each answer as `toKey` takes from it: all unless given. */
export function checkingMatches(
  inner: Storage,
  toKey: (match: WebhookMatch) => unknown = ({ id, isActive }) => [id, isActive],
): Partial<Storage> {
  return {
    capabilities: { ...inner.capabilities, checksMatches: true },
    enqueue: async (events, { ifMatched = [], ...options } = {}) => {
      const now = await inner.matchWebhooks(ifMatched)
      const keysOf = (matches: readonly WebhookMatch[] = []) => JSON.stringify(matches.map(toKey))
      const isStale = ifMatched.some(({ webhooks }, n) => keysOf(webhooks) !== keysOf(now[n]))
      return isStale ? { results: [], claimed: [], isStale } : await inner.enqueue(events, options)
    },
  }
}
