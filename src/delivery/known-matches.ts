import { BoundedCache } from '../domain/bounded-cache.ts'
import type { KnownMatch, MatchWebhooks, WebhookMatch } from '../storage/query.ts'

// Types that a tenant sends now and then are asked for anew. What is kept is up to a few kilobytes each.
const maxKept = 1_000
// To look so many up takes longer than to ask who they are.
const maxWebhooks = 50

/** Who wanted the events of a type when storage was asked last. Storage says when that is so no more. */
export class KnownMatches {
  readonly #answers = new BoundedCache<readonly WebhookMatch[]>(maxKept)

  /** The answers to all of the queries, where all are known. */
  of(queries: readonly MatchWebhooks[]): readonly KnownMatch[] | null {
    const known: KnownMatch[] = []
    for (const query of queries) {
      const webhooks = this.#answers.get(nameOf(query))
      if (webhooks === undefined) return null
      known.push({ ...query, webhooks })
    }
    return known
  }

  /** Takes note of an answer. */
  keep(query: MatchWebhooks, webhooks: readonly WebhookMatch[]): void {
    const name = nameOf(query)
    if (webhooks.length > maxWebhooks) this.#answers.delete(name)
    else this.#answers.set(name, webhooks)
  }
}

// The patterns say which type it is.
function nameOf({ tenantId, patterns }: MatchWebhooks): string {
  return JSON.stringify([tenantId, ...patterns])
}
