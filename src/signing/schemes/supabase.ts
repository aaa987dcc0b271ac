import type { Scheme } from '../scheme.ts'
import { standardSecret } from '../secret.ts'
import { variantOf } from '../variant.ts'
import { standardWebhooks } from './standard-webhooks.ts'

/**
 * Supabase Auth hooks: {@link standardWebhooks}. The secret is `v1,whsec_…`, as the dashboard shows it; without the `v1,` it is taken too.
 */
export const supabase: Scheme = /* @__PURE__ */ variantOf(standardWebhooks, {
  name: 'supabase',
  readSecret: (secret) => standardSecret(secret.replace(/^v1,/, '')),
})
