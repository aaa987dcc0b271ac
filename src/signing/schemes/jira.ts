import { hex } from '../hex.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'

/**
 * Jira: `X-Hub-Signature` is `sha256=` and the hex HMAC-SHA256 of the body, keyed by the webhook's secret as text. No time is signed.
 * Connect apps are sent a JWT instead, which this does not read. Not confirmed: `X-Atlassian-Webhook-Identifier` as the event id,
 * which is not signed.
 */
export const jira: Scheme = {
  name: 'jira',
  covers: ['body'],
  readSecret: textSecret,
  signature: { header: 'X-Hub-Signature', encoding: hex, prefixes: { 'hmac-sha256': 'sha256=' }, syntax: 'single' },
  eventId: { header: 'X-Atlassian-Webhook-Identifier' },
  eventType: { body: 'webhookEvent' },
  timestamp: null,
  signedContent: ({ body }) => [body],
}
