import { PosthornError, type EventDispatcher } from 'posthorn'
import type { events } from '../events.ts'

type Schemas = typeof events.schemas
type Dispatch = EventDispatcher<Schemas>['dispatch']

/** Creates the route `POST /dispatch/{type}`, whose body is the event's data. It answers null to other paths. */
export function createDispatchRoute(
  dispatcher: EventDispatcher<Schemas>,
): (request: Request) => Promise<Response | null> {
  return async (request) => {
    const type = /^\/dispatch\/([^/]+)$/.exec(new URL(request.url).pathname)?.[1]
    if (type === undefined) return null
    if (request.method !== 'POST')
      return Response.json({ error: 'Use POST.' }, { status: 405, headers: { allow: 'POST' } })
    const data = await request.json().catch(() => undefined)
    if (data === undefined) return Response.json({ error: 'The body must be JSON.' }, { status: 400 })
    try {
      // dispatch checks both against the catalogue, at run time too
      const result = await dispatcher.dispatch(type as Parameters<Dispatch>[0], data as Parameters<Dispatch>[1])
      return Response.json(result, { status: 202 })
    } catch (error) {
      if (!(error instanceof PosthornError && error.code === 'INVALID_EVENT')) throw error
      return Response.json({ error: error.message, issues: error.issues }, { status: 422 })
    }
  }
}
