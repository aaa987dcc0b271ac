import type { EventDispatcher } from '../delivery/event-dispatcher.ts'
import type { WebhookRegistry } from '../registry/webhook-registry.ts'
import type { ApiGuards } from './api-guards.ts'
import { readQuery, type ParameterReaders, type ParameterValues } from './query.ts'

/** The part of a {@link WebhookRegistry} that the management API calls. */
export type ApiRegistry = Pick<
  WebhookRegistry,
  'events' | 'create' | 'get' | 'list' | 'count' | 'update' | 'replace' | 'delete' | 'rotateSecret'
> & {
  /** What the cursors are signed with is derived from it, where it can be and no `cursorKey` is given. */
  readonly encryption?: WebhookRegistry['encryption']
}

/** The part of an {@link EventDispatcher} that the management API calls. */
export type ApiDispatcher = Pick<EventDispatcher, 'test' | 'resend' | 'listDeliveries' | 'getDelivery'>

/** One request that has been routed, authorized and read. */
export interface Call {
  readonly registry: ApiRegistry
  readonly dispatcher: ApiDispatcher
  readonly basePath: string
  readonly guards: ApiGuards
  readonly tenantId: string
  readonly createdBy: string | undefined
  /** Of the webhook or delivery that the path names; empty where it names none. */
  readonly id: string
  readonly query: URLSearchParams
  readonly body: unknown
  readonly signal: AbortSignal
}

/** What one method of one path does. */
export interface Operation {
  /** Whether it reads a body; `none` leaves it unread. */
  readonly body: 'none' | 'optional' | 'required'
  readonly run: (call: Call) => Promise<Response>
}

/** Makes an operation that knows exactly the query parameters it has readers for. */
export function operation<Readers extends ParameterReaders>(definition: {
  readonly body?: 'optional' | 'required'
  readonly query?: Readers
  readonly run: (call: Call, query: ParameterValues<Readers>) => Promise<Response>
}): Operation {
  const readers = definition.query ?? ({} as Readers)
  return {
    body: definition.body ?? 'none',
    run: async (call) => await definition.run(call, readQuery(call.query, readers)),
  }
}
