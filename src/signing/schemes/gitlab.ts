import type { Scheme } from '../scheme.ts'
import { variantOf } from '../variant.ts'
import { standardWebhooks } from './standard-webhooks.ts'

/**
 * GitLab with a signing token (2026): {@link standardWebhooks}, `v1`. Not confirmed: how the token becomes a key; taken here as Standard
 * Webhooks has it, base64 behind `whsec_`. For the older secret token see {@link gitlabToken}.
 */
export const gitlab: Scheme = /* @__PURE__ */ variantOf(standardWebhooks, {
  name: 'gitlab',
  eventType: { header: 'X-Gitlab-Event' },
})
