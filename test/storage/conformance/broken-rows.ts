import type { MatchWebhooks } from '../../../src/storage/query.ts'
import type { StoredWebhook } from '../../../src/storage/storage.ts'
import type { BrokenStorage } from './broken-storages.ts'

/** What goes wrong with rows, tenants, listings and retention. */
export const brokenRows: Readonly<Record<string, BrokenStorage>> = {
  'a delivery that every tenant can read': {
    alteration: (inner) => ({ getDelivery: (id) => inner.getDelivery(id, 'acme') }),
    noticedBy: ['listings: reads nothing of another tenant'],
  },

  'an event that is taken for one of another tenant': {
    alteration: (inner) => {
      const owners = new Map<string, string>()
      return {
        enqueue: async (events, options) => {
          const known = (id: string, tenant: string) => (owners.get(id) ?? tenant) !== tenant
          for (const { id, tenantId } of events) if (!owners.has(id)) owners.set(id, tenantId)
          const own = events.filter(({ id, tenantId }) => !known(id, tenantId))
          const { claimed } = await inner.enqueue(own, options)
          return { results: events.map(({ id }) => ({ id, status: 'accepted' as const })), claimed }
        },
      }
    },
    noticedBy: ['enqueue: takes an event of another tenant for another, though it has the same id'],
  },

  'a webhook that every tenant can delete': {
    alteration: (inner) => ({ deleteWebhook: (id) => inner.deleteWebhook(id, 'acme') }),
    noticedBy: ['webhooks: answers another tenant as if the webhook were missing'],
  },

  'a requeue across tenants': {
    alteration: (inner) => ({ requeue: (query) => inner.requeue({ ...query, tenantId: 'acme' }) }),
    noticedBy: ['requeue: requeues nothing of another tenant and refuses a foreign cursor'],
  },

  'a count over all tenants': {
    alteration: (inner) => ({
      countWebhooks: async () => (await inner.listAllWebhooks({ limit: 1000 })).data.length,
    }),
    noticedBy: ['listings: counts the webhooks of a tenant, active or not'],
  },

  'a list of all webhooks that leaves a tenant out': {
    alteration: (inner) => ({ listAllWebhooks: (query) => inner.listWebhooks({ ...query, tenantId: 'acme' }) }),
    noticedBy: ['listings: lists the webhooks of all tenants by id, page by page'],
  },

  'a match that gives a webhook out once a pattern': {
    alteration: (inner) => ({
      matchWebhooks: async (queries) => {
        const matchesOf = async ({ tenantId, patterns }: MatchWebhooks) =>
          (await inner.matchWebhooks(patterns.map((pattern) => ({ tenantId, patterns: [pattern] })))).flat()
        return await Promise.all(queries.map(matchesOf))
      },
    }),
    noticedBy: ['matchWebhooks: finds each webhook that has one of the patterns, once'],
  },

  'a match of active webhooks only': {
    alteration: (inner) => ({
      matchWebhooks: async (queries) =>
        (await inner.matchWebhooks(queries)).map((matches) => matches.filter((webhook) => webhook.isActive)),
    }),
    noticedBy: ['matchWebhooks: finds inactive webhooks too'],
  },

  'a match that answers the first query only': {
    alteration: (inner) => ({
      matchWebhooks: async (queries) => {
        const [first = []] = await inner.matchWebhooks(queries.slice(0, 1))
        return queries.map((_, index) => (index === 0 ? first : []))
      },
    }),
    noticedBy: ['matchWebhooks: answers each query by itself, in order'],
  },

  'an update that ignores the version': {
    alteration: (inner) => ({
      updateWebhook: (id, tenantId, patch) => inner.updateWebhook(id, tenantId, patch),
    }),
    noticedBy: [
      'webhooks: refuses an update of another version with CONFLICT and changes nothing',
      'webhooks: lets one of several concurrent updates of the same version win',
    ],
  },

  'an insert that overwrites': {
    alteration: (inner) => ({
      insertWebhook: async (webhook) => {
        await inner.deleteWebhook(webhook.id, webhook.tenantId)
        await inner.insertWebhook(webhook)
      },
    }),
    noticedBy: ['webhooks: refuses a taken id with CONFLICT and keeps the first row'],
  },

  'a cursor that skips a row': {
    alteration: (inner) => ({
      listDeliveries: async (query) => {
        const page = await inner.listDeliveries(query)
        if (page.nextCursor === null) return page
        const next = await inner.listDeliveries({ ...query, limit: 1, cursor: page.nextCursor })
        return { data: page.data, nextCursor: next.data[0]?.id ?? null }
      },
    }),
    noticedBy: ['listings: lists deliveries by id, newest first, page by page'],
  },

  'a listing that starts over at a bad cursor': {
    alteration: (inner) => ({
      listEvents: ({ cursor, ...query }) =>
        inner
          .listEvents({ ...query, ...(cursor?.length === 36 ? { cursor } : {}) })
          .catch(() => inner.listEvents(query)),
    }),
    noticedBy: ['listings: refuses a cursor that no listing gave out'],
  },

  'a listing that ignores the filters beside a state': {
    alteration: (inner) => ({
      listDeliveries: (query) =>
        inner.listDeliveries(query.state === undefined ? query : { tenantId: query.tenantId, limit: query.limit }),
    }),
    noticedBy: ['listings: lists deliveries by each filter and by all together'],
  },

  'a purge that removes pending deliveries': {
    alteration: (inner) => ({
      purge: async (query) => {
        await inner.cancel({ tenantId: 'acme', reason: 'purged', limit: 1000 })
        return inner.purge(query)
      },
    }),
    noticedBy: ['purge: never touches an event that has a pending delivery'],
  },

  'a purge that is done before it is': {
    alteration: (inner) => ({ purge: async (query) => ({ ...(await inner.purge(query)), isDone: true }) }),
    noticedBy: ['purge: removes at most limit a call and says when it is done'],
  },

  'a listing that names a delivery of another tenant to go on from': {
    alteration: (inner) => ({
      listDeliveries: async (query) => {
        const page = await inner.listDeliveries(query)
        if (query.webhookId === undefined || page.data.length > 0) return page
        const others = await inner.listDeliveries({ webhookId: query.webhookId, tenantId: 'acme', limit: 1 })
        return { ...page, nextCursor: others.data[0]?.id ?? null }
      },
    }),
    noticedBy: ['listings: names no delivery of another tenant as the place to go on from'],
  },

  'stats that stop counting without a word': {
    alteration: (inner) => ({
      stats: async (query) => {
        const all = await inner.stats(query)
        const { countUpTo = Infinity } = query
        return { ...all, ready: Math.min(all.ready, countUpTo), waiting: Math.min(all.waiting, countUpTo) }
      },
    }),
    noticedBy: ['stats: counts as far as it is asked to, of a tenant whatever there is of others'],
  },

  'stats of a tenant that look at the rows of others too': {
    alteration: (inner) => ({
      stats: async (query) => {
        const [own, all] = [await inner.stats(query), await inner.stats({})]
        const { countUpTo = Infinity } = query
        return all.ready > countUpTo ? { ...own, ready: 0, isApproximate: true } : own
      },
    }),
    noticedBy: ['stats: counts as far as it is asked to, of a tenant whatever there is of others'],
  },

  'stats that count all tenants': {
    alteration: (inner) => ({ stats: ({ webhookId }) => inner.stats(webhookId === undefined ? {} : { webhookId }) }),
    noticedBy: ['stats: counts what is due, waits and is held'],
  },

  'a webhook that is stored by reference': {
    alteration: (inner) => {
      const rows = new Map<string, StoredWebhook>()
      return {
        insertWebhook: async (webhook) => {
          await inner.insertWebhook(webhook)
          rows.set(webhook.id, webhook)
        },
        getWebhook: async (id) => rows.get(id) ?? null,
      }
    },
    noticedBy: ['fidelity: stores what was passed, whatever the caller does with it afterwards'],
  },

  'a map that loses __proto__': {
    alteration: (inner) => ({
      insertWebhook: (webhook) => inner.insertWebhook({ ...webhook, metadata: Object.assign({}, webhook.metadata) }),
    }),
    noticedBy: ['fidelity: keeps maps whole, also under the names of Object.prototype'],
  },

  'a body in which $1 is replaced': {
    alteration: (inner) => ({
      enqueue: (events, options) =>
        inner.enqueue(
          events.map((event) => ({ ...event, body: event.body.replaceAll('$1', 'null') })),
          options,
        ),
    }),
    noticedBy: ['fidelity: keeps bodies to the character'],
  },
}
