import { isStorable } from '../domain/text.ts'
import { defaultTenantId } from '../domain/webhook.ts'
import { copyOf } from './response-copy.ts'

/** Whom a request of the management API is from. */
export interface Caller {
  /** The tenant whose webhooks the request may see and change: 1 to 128 characters, without NUL and lone surrogates. */
  readonly tenantId: string
  /**
   * Kept as `createdBy` of the webhooks that the request creates, at most 200 characters, without NUL and lone surrogates; null there
   * unless given.
   */
  readonly createdBy?: string
}

/**
 * Decides whom a request is from. It runs before the body is read and before any id is looked up, and must leave the body unread
 * (`request.clone()` has one of its own).
 *
 * - a {@link Caller}: the request goes on, for that tenant only;
 * - null or undefined: the answer is 401;
 * - a `Response`: it is the answer, as it is: a 403, or a 401 with a `WWW-Authenticate` of your own. Its body is read whole, so that
 *   one that is kept can be given again;
 * - a throw, or anything else: the answer is 500, and `onError` is told.
 *
 * Where it goes by a cookie, or by anything else that browsers send of their own accord, protecting callers from cross-site request
 * forgery is the host's part: check `Origin` or a token here, and set `SameSite`. The API itself refuses only, with 403 and before
 * `authorize` is asked, the `POST`, `PUT`, `PATCH` and `DELETE` that a browser declares with `Sec-Fetch-Site: cross-site`; not every
 * browser sends that header, and a page on another subdomain is `same-site`. To let pages of other sites in by a token of their own,
 * take the header off in front of the API.
 */
export type Authorize = (
  request: Request,
) => Caller | Response | null | undefined | Promise<Caller | Response | null | undefined>

/** Asks who calls; a caller whose tenant is not text fails here, because further in a missing one would mean `default`. */
export async function callerOf(request: Request, authorize: Authorize | 'none'): Promise<Caller | Response | null> {
  if (authorize === 'none') return { tenantId: defaultTenantId }
  const answer = await authorize(request)
  if (answer === null || answer === undefined) return null
  if (answer instanceof Response) return await copyOf(answer)
  assertText('tenantId', answer.tenantId, 1, 128)
  if (answer.createdBy === undefined) return { tenantId: answer.tenantId }
  assertText('createdBy', answer.createdBy, 0, 200)
  return { tenantId: answer.tenantId, createdBy: answer.createdBy }
}

function assertText(name: string, text: unknown, minLength: number, maxLength: number): void {
  if (typeof text === 'string' && text.length >= minLength && text.length <= maxLength && isStorable(text)) return
  const expected = `a string of ${minLength} to ${maxLength} characters, without NUL and lone surrogates`
  throw new TypeError(`authorize must answer ${name} as ${expected}.`)
}
