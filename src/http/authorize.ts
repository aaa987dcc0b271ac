import { defaultTenantId } from '../domain/webhook.ts'

/** Whom a request of the management API is from. */
export interface Caller {
  /** The tenant whose webhooks the request may see and change, 1 to 128 characters. */
  readonly tenantId: string
  /** Kept as `createdBy` of the webhooks that the request creates, at most 200 characters; null there unless given. */
  readonly createdBy?: string
}

/**
 * Decides whom a request is from. It runs before the body is read and before any id is looked up, and must leave the body unread
 * (`request.clone()` has one of its own).
 *
 * - a {@link Caller}: the request goes on, for that tenant only;
 * - null or undefined: the answer is 401;
 * - a `Response`: it is the answer, as it is: a 403, or a 401 with a `WWW-Authenticate` of your own;
 * - a throw, or anything else: the answer is 500, and `onError` is told.
 */
export type Authorize = (
  request: Request,
) => Caller | Response | null | undefined | Promise<Caller | Response | null | undefined>

/** Asks who calls; a caller whose tenant is not text fails here, because further in a missing one would mean `default`. */
export async function callerOf(request: Request, authorize: Authorize | 'none'): Promise<Caller | Response | null> {
  if (authorize === 'none') return { tenantId: defaultTenantId }
  const answer = await authorize(request)
  if (answer === null || answer === undefined) return null
  if (answer instanceof Response) return answer
  assertText('tenantId', answer.tenantId, 1, 128)
  if (answer.createdBy === undefined) return { tenantId: answer.tenantId }
  assertText('createdBy', answer.createdBy, 0, 200)
  return { tenantId: answer.tenantId, createdBy: answer.createdBy }
}

function assertText(name: string, text: unknown, minLength: number, maxLength: number): void {
  if (typeof text === 'string' && text.length >= minLength && text.length <= maxLength) return
  throw new TypeError(`authorize must answer ${name} as a string of ${minLength} to ${maxLength} characters.`)
}
