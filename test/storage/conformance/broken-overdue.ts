import type { Storage } from '../../../src/storage/storage.ts'
import type { BrokenStorage } from './broken-storages.ts'

/** What goes wrong with the search for overdue deliveries. */
export const brokenOverdue: Readonly<Record<string, BrokenStorage>> = {
  'an overdue that finds what is held': {
    alteration: (inner) => ({
      overdue: async (query) => [...(await inner.overdue(query)), ...(await heldIds(inner))].slice(0, query.limit),
    }),
    noticedBy: ['overdue: finds nothing that is held, until its lease has run out for byMs'],
  },

  'an overdue that ignores byMs': {
    alteration: (inner) => ({ overdue: (query) => inner.overdue({ ...query, byMs: 0 }) }),
    noticedBy: [
      'overdue: finds what has been due for byMs, and nothing that came later',
      'overdue: finds nothing that is held, until its lease has run out for byMs',
    ],
  },

  'an overdue in the order of arrival, whatever the webhook': {
    alteration: (inner) => ({
      overdue: async (query) => {
        const found = await inner.overdue({ ...query, limit: 10_000 })
        return found.toSorted().slice(0, query.limit)
      },
    }),
    noticedBy: [
      'overdue: does not let one backlog hide another webhook',
      'overdue: comes to every webhook, call by call',
    ],
  },

  'an overdue that leases what it finds': {
    alteration: (inner) => ({
      overdue: async ({ limit }) => (await inner.claim({ limit, leaseMs: 30_000 })).claimed.map(({ id }) => id),
    }),
    noticedBy: ['overdue: leases nothing: what it found it finds again, and a claim gives it out'],
  },

  'an overdue that ignores the gate': {
    alteration: (inner) => ({
      overdue: async (query) => {
        const { data } = await inner.listWebhooks({ tenantId: 'acme', limit: 1000 })
        for (const { id } of data) await inner.gate(id, null)
        return await inner.overdue(query)
      },
    }),
    noticedBy: ['overdue: finds nothing of a gated webhook'],
  },

  'an overdue of all that is due': {
    alteration: (inner) => ({ overdue: (query) => dueIds(inner, query.limit) }),
    noticedBy: [
      'overdue: finds no more of a webhook than it has free slots, the longest due first',
      'overdue: finds nothing of a webhook that is not active or gone, and cancels it',
    ],
  },

  'an overdue without a limit': {
    alteration: (inner) => ({ overdue: ({ byMs }) => inner.overdue({ limit: 1000, byMs }) }),
    noticedBy: ['overdue: keeps to the limit'],
  },
}

async function heldIds(inner: Storage): Promise<string[]> {
  const { data } = await inner.listDeliveries({ tenantId: 'acme', state: 'pending', limit: 10_000 })
  return data.filter(({ isLeased }) => isLeased).map(({ id }) => id)
}

async function dueIds(inner: Storage, limit: number): Promise<string[]> {
  const { data } = await inner.listDeliveries({ tenantId: 'acme', state: 'pending', order: 'asc', limit: 10_000 })
  const due = data.filter(({ isLeased, dueAt }) => !isLeased && dueAt !== null)
  return due.map(({ id }) => id).slice(0, limit)
}
