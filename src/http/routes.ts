import { isId } from '../domain/id.ts'
import { getDelivery, listDeliveries, resendDelivery, testWebhook } from './delivery-operations.ts'
import type { Operation } from './operation.ts'
import {
  createWebhook,
  deleteWebhook,
  getWebhook,
  listEventTypes,
  listWebhooks,
  replaceWebhook,
  rotateSecret,
  updateWebhook,
} from './webhook-operations.ts'

/** One path and what its methods do. A map, because a method is the client's text: `constructor` must not be found. */
export interface Route {
  readonly segments: readonly string[]
  readonly operations: ReadonlyMap<string, Operation>
}

/** A route that a path fits. */
export interface RouteMatch {
  readonly route: Route
  /** What stands for `{id}`; null where that is not an id, empty where the route has none. */
  readonly id: string | null
}

/** Every route. */
export const routes: readonly Route[] = [
  route('/webhooks', { GET: listWebhooks, POST: createWebhook }),
  route('/webhooks/{id}', { GET: getWebhook, PUT: replaceWebhook, PATCH: updateWebhook, DELETE: deleteWebhook }),
  route('/webhooks/{id}/test', { POST: testWebhook }),
  route('/webhooks/{id}/rotate-secret', { POST: rotateSecret }),
  route('/webhooks/{id}/deliveries', { GET: listDeliveries }),
  route('/deliveries/{id}', { GET: getDelivery }),
  route('/deliveries/{id}/resend', { POST: resendDelivery }),
  route('/event-types', { GET: listEventTypes }),
]

/**
 * Finds the route of a path, or null. It is the path of a `Request`, in which dots and backslashes are resolved already:
 * {@link toNodeListener} lets only those through that were sent in the same form. From there on it is compared as it is: no decoding,
 * no trailing slash.
 */
export function findRoute(pathname: string, basePath: string): RouteMatch | null {
  if (!pathname.startsWith(`${basePath}/`)) return null
  const segments = pathname.slice(basePath.length).split('/')
  const found = routes.find((candidate) => fits(candidate, segments))
  if (found === undefined) return null
  const at = found.segments.indexOf('{id}')
  const id = at === -1 ? '' : segments[at]
  return { route: found, id: id === '' || isId(id) ? id : null }
}

/** Lists the methods of a route for the `Allow` header. */
export function allowedMethods(found: Route): string {
  const methods = [...found.operations.keys()].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return [...methods, 'OPTIONS'].join(', ')
}

function route(path: string, operations: Readonly<Record<string, Operation>>): Route {
  return { segments: path.split('/'), operations: new Map(Object.entries(operations)) }
}

function fits(candidate: Route, segments: readonly string[]): boolean {
  if (candidate.segments.length !== segments.length) return false
  return candidate.segments.every((expected, index) =>
    expected === '{id}' ? segments[index] !== '' : expected === segments[index],
  )
}
