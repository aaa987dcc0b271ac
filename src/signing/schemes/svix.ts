import type { Scheme } from '../scheme.ts'
import { seconds } from '../timestamp.ts'
import { variantOf } from '../variant.ts'
import { standardWebhooks } from './standard-webhooks.ts'

/** Standard Webhooks under the older names of Svix: `svix-id`, `svix-timestamp` and `svix-signature`; all else is the same. */
export const svix: Scheme = /* @__PURE__ */ svixNames('svix')

/** The same scheme under the name of a provider who uses it. */
export function svixNames(name: string): Scheme {
  return variantOf(standardWebhooks, {
    name,
    signature: { ...standardWebhooks.signature, header: 'svix-signature' },
    eventId: { header: 'svix-id' },
    timestamp: { place: { header: 'svix-timestamp' }, unit: seconds, maxFutureMs: 300_000 },
  })
}
