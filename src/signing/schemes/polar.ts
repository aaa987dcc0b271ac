import type { Scheme } from '../scheme.ts'
import { standardSecret } from '../secret.ts'
import { textSecret } from '../text-secret.ts'
import { variantOf } from '../variant.ts'
import { standardWebhooks } from './standard-webhooks.ts'

/**
 * Polar: {@link standardWebhooks}, `v1`. The key is the secret's whole text as UTF-8, its prefix (`polar_whs_`, `whsec_`) included. Polar
 * means to move to base64 behind `whsec_`, so of such a secret both keys are tried.
 */
export const polar: Scheme = /* @__PURE__ */ variantOf(standardWebhooks, {
  name: 'polar',
  readSecret(secret) {
    const keys = [textSecret(secret), secret.startsWith('whsec_') ? standardSecret(secret) : '']
    const usable = keys.filter((key) => typeof key !== 'string')
    return usable.length > 0 ? usable : textSecret(secret)
  },
})
