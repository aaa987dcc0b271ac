import type { LeaseRef, Settlement } from '../../../src/storage/settlement.ts'
import type { Claimed, NewEvent, Storage, StoredWebhook } from '../../../src/storage/storage.ts'
import { checkingMatches } from '../../support/checking-matches.ts'
import type { Alteration } from './alter.ts'

/** A storage that breaks one promise, and cases of the suite that must notice. */
export interface BrokenStorage {
  readonly alteration: Alteration
  readonly noticedBy: readonly string[]
}

/** What goes wrong with deliveries and their leases. Listings and rows are broken in `broken-rows.ts`. */
export const brokenStorages: Readonly<Record<string, BrokenStorage>> = {
  'a claim that gives out again what the one before gave out': {
    alteration: (inner) => {
      let earlier: Claimed[] = []
      return {
        claim: async (query) => {
          const answer = await inner.claim(query)
          const again = query.ids === undefined ? earlier : []
          earlier = answer.claimed
          return { ...answer, claimed: [...answer.claimed, ...again].slice(0, query.limit) }
        },
      }
    },
    noticedBy: ['claim: never gives out a held delivery', 'claim: shares concurrent claims out without overlap'],
  },

  'a settle without a fence': {
    alteration: (inner) => {
      const leases = new Map<string, string>()
      return {
        claim: async (query) => {
          const answer = await inner.claim(query)
          for (const { id, lease } of answer.claimed) leases.set(id, lease)
          return answer
        },
        settle: (settlements) =>
          inner.settle(settlements.map((settlement) => ({ ...settlement, lease: leases.get(settlement.id) ?? '' }))),
      }
    },
    noticedBy: [
      'settle: writes nothing for a lease that another worker took over',
      'settle: takes the good settlements of a batch and leaves the stale ones out',
    ],
  },

  'a settle that writes all that has the lease': {
    alteration: (inner) => {
      const { held, claim } = rememberingClaims(inner)
      return {
        claim,
        settle: async (settlements) => {
          const settled = await inner.settle(settlements)
          const others = settlements.flatMap((settlement) =>
            (held.get(settlement.lease) ?? [])
              .filter(({ id, lease }) => id !== settlement.id && lease === settlement.lease)
              .map(({ id }) => ({ ...settlement, id })),
          )
          await inner.settle(others.filter(({ id }) => settlements.every((settlement) => settlement.id !== id)))
          return settled
        },
      }
    },
    noticedBy: ['settle: ends one of what one claim gave out, and not the others'],
  },

  'a renew that prolongs all that has the lease': {
    alteration: (inner) => {
      const { held, claim } = rememberingClaims(inner)
      return {
        claim,
        renew: async (leases, leaseMs) => {
          const renewed = await inner.renew(leases, leaseMs)
          await inner.renew(
            leases.flatMap(({ lease }) => (held.get(lease) ?? []).filter((one) => one.lease === lease)),
            leaseMs,
          )
          return renewed
        },
      }
    },
    noticedBy: ['leases and renew: renews one of what one claim gave out, and not the others'],
  },

  'a retry that loses its attempt': {
    alteration: (inner) => ({
      settle: (settlements) =>
        inner.settle(
          settlements.map((settlement): Settlement => {
            const { id, lease } = settlement
            return settlement.outcome === 'retry'
              ? { id, lease, outcome: 'release', retryInMs: settlement.retryInMs }
              : settlement
          }),
        ),
    }),
    noticedBy: ['settle: retry: gives the lease back, due after retryInMs'],
  },

  'an enqueue that is not atomic': {
    alteration: (inner) => ({
      enqueue: async (events, options) => {
        const answers = []
        for (const event of events) answers.push(await inner.enqueue([event], options))
        return {
          results: answers.flatMap((answer) => answer.results),
          claimed: answers.flatMap((answer) => answer.claimed),
        }
      },
    }),
    noticedBy: ['enqueue: writes nothing of a batch in which one delivery cannot be written'],
  },

  'an enqueue that says it checks what was matched, and does not': {
    alteration: (inner) => ({ capabilities: { ...inner.capabilities, checksMatches: true } }),
    noticedBy: [
      'enqueue with ifMatched: writes nothing of what is leased at once where one more wants it',
      'enqueue with ifMatched: writes nothing of what is left to others where one was deleted',
      'enqueue with ifMatched: writes nothing of what is held back where one does not want it any more',
    ],
  },

  'an enqueue that checks which webhooks were matched, and not whether they are active': {
    alteration: (inner) => checkingMatches(inner, ({ id }) => id),
    noticedBy: [
      'enqueue with ifMatched: writes nothing of what is leased at once where one was disabled',
      'enqueue with ifMatched: takes up a webhook that was enabled again',
    ],
  },

  'an enqueue that never finds that what was matched still holds': {
    alteration: (inner) => checkingMatches(inner, () => Math.random()),
    noticedBy: ['enqueue with ifMatched: writes what is left to others where all is as it was'],
  },

  'a claim that ignores maxInFlight': {
    alteration: (inner) => withWebhooks(inner.insertWebhook.bind(inner), { maxInFlight: 1_000_000 }),
    noticedBy: [
      'claim: keeps the live leases of a webhook within maxInFlight',
      'claim: keeps concurrent claims within maxInFlight',
    ],
  },

  'a claim that ignores the gate': {
    alteration: (inner) => ({
      claim: async (query) => {
        const { data } = await inner.listWebhooks({ tenantId: 'acme', limit: 1000 })
        for (const { id } of data) await inner.gate(id, null)
        return inner.claim(query)
      },
    }),
    noticedBy: ['claim: holds a gated webhook back, and no other'],
  },

  'a claim that goes on with a webhook that is not active': {
    alteration: (inner) => ({
      updateWebhook: async (id, tenantId, patch, ifVersion) => {
        const { isActive, ...rest } = patch
        const webhook = await inner.updateWebhook(id, tenantId, rest, ifVersion)
        return webhook === null ? null : { ...webhook, isActive: isActive ?? webhook.isActive }
      },
    }),
    noticedBy: ['claim: cancels what is due of a webhook that is not active, a live lease excepted'],
  },

  'a claim in the order of arrival, whatever the webhook': {
    alteration: (inner) => ({
      claim: async (query) => {
        const due = await inner.listDeliveries({ tenantId: 'acme', state: 'pending', order: 'asc', limit: 10_000 })
        const ids = due.data.filter((delivery) => !delivery.isLeased).map((delivery) => delivery.id)
        return inner.claim({ ids, ...query })
      },
    }),
    noticedBy: [
      'claim: does not let one backlog of 5,000 delay another webhook',
      'claim: reaches every webhook beside a busy one',
    ],
  },

  'a claim that never says when to ask again': {
    alteration: (inner) => ({
      claim: async (query) => ({ ...(await inner.claim(query)), nextDueInMs: null }),
    }),
    noticedBy: ['claim: says when to ask again', 'claim: never sleeps over work behind a full webhook'],
  },

  'a lease that never expires': {
    alteration: (inner) => ({
      claim: (query) => inner.claim({ ...query, leaseMs: query.leaseMs * 1_000_000 }),
    }),
    noticedBy: ['leases and renew: makes an expired lease claimable again, under a new lease'],
  },

  'a reclaim under the old lease': {
    alteration: (inner) => {
      const outer = new Map<string, string>()
      const actual = new Map<string, string>()
      const translate = <T extends LeaseRef>(hold: T): T => {
        const isKnown = outer.get(hold.id) === hold.lease
        return { ...hold, lease: isKnown ? (actual.get(hold.id) ?? '') : hold.lease }
      }
      return {
        claim: async (query) => {
          const answer = await inner.claim(query)
          const claimed = answer.claimed.map((delivery) => {
            const lease = outer.get(delivery.id) ?? delivery.lease
            outer.set(delivery.id, lease)
            actual.set(delivery.id, delivery.lease)
            return { ...delivery, lease }
          })
          return { ...answer, claimed }
        },
        settle: (settlements) => inner.settle(settlements.map(translate)),
        renew: (leases, leaseMs) => inner.renew(leases.map(translate), leaseMs),
      }
    },
    noticedBy: [
      'leases and renew: makes an expired lease claimable again, under a new lease',
      'settle: writes nothing for a lease that another worker took over',
    ],
  },

  'a renew that says yes to everyone': {
    alteration: (inner) => ({
      renew: async (leases, leaseMs) => {
        await inner.renew(leases, leaseMs)
        return leases.map((hold) => hold.id)
      },
    }),
    noticedBy: ['leases and renew: renews no expired lease, no foreign one and none of a final delivery'],
  },

  'a continue that gives the lease back': {
    alteration: (inner) => ({
      settle: (settlements) =>
        inner.settle(
          settlements.map((settlement): Settlement => {
            if (settlement.outcome !== 'continue') return settlement
            const { id, lease, attempt } = settlement
            return { id, lease, attempt, outcome: 'retry', retryInMs: 0 }
          }),
        ),
    }),
    noticedBy: ['settle: continue: keeps the lease for leaseMs more'],
  },

  'an attempt recorded again under the next number': {
    alteration: (inner) => {
      const counts = new Map<string, number>()
      return {
        settle: (settlements) =>
          inner.settle(
            settlements.map((settlement) => {
              if (!('attempt' in settlement) || settlement.attempt === undefined) return settlement
              const number = (counts.get(settlement.id) ?? 0) + 1
              counts.set(settlement.id, number)
              return { ...settlement, attempt: { ...settlement.attempt, number } }
            }),
          ),
      }
    },
    noticedBy: [
      'settle: records one attempt of a settlement that comes twice',
      'settle: keeps the first record of an attempt number',
    ],
  },

  'a cancel that takes held deliveries': {
    alteration: (inner) => {
      const holds = new Map<string, LeaseRef>()
      return {
        claim: async (query) => {
          const answer = await inner.claim(query)
          for (const { id, lease } of answer.claimed) holds.set(id, { id, lease })
          return answer
        },
        cancel: async (query) => {
          const held = [...holds.values()].map((hold) => ({ ...hold, outcome: 'release', retryInMs: 0 }) as const)
          await inner.settle(held)
          return inner.cancel(query)
        },
      }
    },
    noticedBy: ['cancel: leaves held and final deliveries alone'],
  },

  'a requeue that counts the earlier attempts on': {
    alteration: (inner) => ({
      claim: async (query) => {
        const answer = await inner.claim(query)
        return { ...answer, claimed: answer.claimed.map((delivery) => ({ ...delivery, attemptsBefore: 0 })) }
      },
    }),
    noticedBy: ['requeue: makes a final delivery due again, as a manual one with a fresh count'],
  },

  'a requeue without a spread': {
    alteration: (inner) => ({ requeue: (query) => inner.requeue({ ...query, spreadMs: 0 }) }),
    noticedBy: ['requeue: spreads what it makes due over spreadMs'],
  },

  'an enqueue that forgets delayMs': {
    alteration: (inner) => withEvents(inner.enqueue.bind(inner), (event) => ({ ...event, delayMs: 0 })),
    noticedBy: ['enqueue: holds deliveries back for delayMs'],
  },

  'an enqueue that ignores idempotency keys': {
    alteration: (inner) =>
      withEvents(inner.enqueue.bind(inner), (event) => ({
        ...event,
        idempotencyKey: event.id,
        bodyHash: event.id,
        idempotencyTtlMs: 1,
      })),
    noticedBy: [
      'idempotency keys: answers duplicate with the first id and writes nothing',
      'idempotency keys: answers conflict for another fingerprint and writes nothing',
      'idempotency keys: holds within one batch',
    ],
  },

  'an enqueue that shares idempotency keys between tenants': {
    alteration: (inner) => withEvents(inner.enqueue.bind(inner), (event) => ({ ...event, tenantId: 'acme' })),
    noticedBy: ['idempotency keys: keeps the keys of tenants apart'],
  },
}

type Enqueue = Parameters<Alteration>[0]['enqueue']

function withEvents(enqueue: Enqueue, change: (event: NewEvent) => NewEvent): ReturnType<Alteration> {
  return { enqueue: (events, options) => enqueue(events.map(change), options) }
}

function withWebhooks(
  insertWebhook: (webhook: StoredWebhook) => Promise<void>,
  change: Partial<StoredWebhook>,
): ReturnType<Alteration> {
  return { insertWebhook: (webhook) => insertWebhook({ ...webhook, ...change }) }
}

/** A claim that keeps what it gave out by lease. */
function rememberingClaims(inner: Storage) {
  const held = new Map<string, Claimed[]>()
  const claim: Storage['claim'] = async (query) => {
    const answer = await inner.claim(query)
    for (const one of answer.claimed) held.set(one.lease, answer.claimed)
    return answer
  }
  return { held, claim }
}
