import { spkiKey } from '#crypto'
import { base64 } from '../base64.ts'
import { PosthornError } from '../../domain/error.ts'
import { readCertificate } from '../certificate.ts'
import { crc32 } from '../crc32.ts'
import { createVerifyKey } from '../key.ts'
import { checkKeyFetchOptions, fetchText, KeyCache, type KeyFetchOptions } from '../key-cache.ts'
import type { Scheme } from '../scheme.ts'
import { isoTime } from '../time-units.ts'

/** Options of {@link paypal}. */
export interface PaypalOptions extends KeyFetchOptions {
  /** The webhook's id, as PayPal shows it; it is signed, so that one webhook's messages do not fit another. */
  readonly webhookId: string
}

/**
 * PayPal: `paypal-transmission-sig` is the base64 RSA signature (SHA-256) of transmission id, time, webhook id and the CRC-32 of the
 * body, joined by `|`. The certificate is fetched from `paypal-cert-url`, which must be at `api.paypal.com` or
 * `api.sandbox.paypal.com` under `/v1/notifications/certs/`; `paypal-auth-algo` must be SHA256withRSA. The time is ISO 8601; PayPal
 * repeats messages with their first time for three days, which is the age allowed. **A CRC-32 is no hash**: whoever captured a request
 * can write another body with the same one, so `covers` has `checksum` in place of `body`, and a receiver wants `uncoveredBody: 'accept'`. Fetch
 * what the event is about from PayPal, or ask its `verify-webhook-signature` API instead. The event id is the transmission id, which is
 * signed, so that a captured request with another body is a repeat; an event that is sent anew under another one runs again, unless
 * `keyOf` takes the body's `id`. Not confirmed: that repeats keep the transmission id.
 */
export function paypal({ webhookId, ...options }: PaypalOptions): Scheme {
  checkKeyFetchOptions('paypal', options)
  if (typeof webhookId !== 'string' || !/^[\w-]+$/.test(webhookId)) {
    throw new TypeError('paypal: webhookId must be the id of the webhook at PayPal.')
  }
  const cache = new KeyCache(async (url) => {
    const { spki, notAfterMs } = readCertificate(await fetchText(url, options))
    const material = { algorithm: 'rsa-sha256', bytes: spki, check: spkiKey('rsa-sha256', spki) } as const
    return [createVerifyKey(material, 0, url.split('/').at(-1) ?? null, notAfterMs)]
  }, options)
  return {
    name: 'paypal',
    covers: ['id', 'timestamp', 'checksum'],
    readSecret: () => 'has no use: PayPal is verified by its certificates',
    signature: {
      header: 'paypal-transmission-sig',
      encoding: base64,
      prefixes: { 'rsa-sha256': '' },
      syntax: 'single',
    },
    eventId: { header: 'paypal-transmission-id' },
    eventType: { body: 'event_type' },
    timestamp: { place: { header: 'paypal-transmission-time' }, unit: isoTime, maxAgeMs: 259_200_000 },
    signedContent: ({ id, timestamp, body, header }) =>
      header('paypal-auth-algo') === 'SHA256withRSA' ? [`${id}|${timestamp}|${webhookId}|${crc32(body)}`] : null,
    writeHeaders: null,
    async keySource(query) {
      const url = query.texts.get('paypal-cert-url') ?? ''
      if (/^https:\/\/api(\.sandbox)?\.paypal\.com\/v1\/notifications\/certs\/[\w-]{1,100}$/.test(url)) {
        return await cache.get(url, query)
      }
      throw new PosthornError('HEADER_INVALID', 'The header paypal-cert-url leads to no certificate of PayPal.')
    },
  }
}
