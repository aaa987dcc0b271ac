import type { Scheme } from '../scheme.ts'

/**
 * Standard Webhooks 1.0.0, symmetric (`v1`): HMAC-SHA256 over `id.timestamp.body`, keyed by the bytes behind
 * `whsec_`, in the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`. Every live key signs.
 */
export const standardWebhooks: Scheme = {
  name: 'standard-webhooks',
  algorithm: 'hmac-sha256',
  secretFormat: 'standard',
  signature: { header: 'webhook-signature', encoding: 'base64', prefix: 'v1,', syntax: 'list' },
  idHeader: 'webhook-id',
  timestampHeader: 'webhook-timestamp',
  typeHeader: null,
  signedContent: ({ id, timestamp, body }) => [id, '.', timestamp, '.', body],
}
