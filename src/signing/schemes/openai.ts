import type { Scheme } from '../scheme.ts'
import { standardSecret } from '../secret.ts'
import { textSecret } from '../text-secret.ts'
import { variantOf } from '../variant.ts'
import { standardWebhooks } from './standard-webhooks.ts'

/**
 * OpenAI: {@link standardWebhooks}, `v1`. The secret is `whsec_…`; one without that prefix is its own text as UTF-8, as OpenAI's SDK
 * takes it, and never base64.
 */
export const openai: Scheme = /* @__PURE__ */ variantOf(standardWebhooks, {
  name: 'openai',
  readSecret: (secret) => (secret.startsWith('whsec_') ? standardSecret(secret) : textSecret(secret)),
})
