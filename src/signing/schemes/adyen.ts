import { base64 } from '../base64.ts'
import { memberTexts } from '../body-texts.ts'
import { memberAt } from '../handshake.ts'
import { hexSecret } from '../hex-secret.ts'
import type { Scheme } from '../scheme.ts'
import { parseJson } from '../verified-webhook.ts'

/**
 * Adyen payments: `additionalData.hmacSignature` in the body is the base64 HMAC-SHA256 of eight fields of the notification, joined by
 * colons, keyed by the hexadecimal HMAC key: `pspReference`, `originalReference`, `merchantAccountCode`, `merchantReference`,
 * `amount.value`, `amount.currency`, `eventCode` and `success`. **Nothing else in the body is signed**, and no time. A request must
 * hold one notification, as JSON requests do. The event id is `pspReference:eventCode`. For other webhooks of Adyen see
 * {@link adyenPlatform}. Any 2xx accepts a notification; older accounts
 * want the text `[accepted]`, which a handler can return as a `Response`, though a repeat is answered without it.
 */
export const adyen: Scheme = {
  name: 'adyen',
  covers: ['fields'],
  readSecret: hexSecret,
  signature: { header: 'body.hmacsignature', encoding: base64, prefixes: { 'hmac-sha256': '' }, syntax: 'single' },
  eventId: { header: 'body.eventid' },
  eventType: { header: 'body.eventcode' },
  timestamp: null,
  signedContent: ({ header }) => [header('body.content')],
  writeHeaders: null,
  isInBody: true,
  divide(_, body) {
    const items = memberAt(parseJson(body), 'notificationItems')
    const item: unknown =
      Array.isArray(items) && items.length === 1 ? memberAt(items[0], 'NotificationRequestItem') : null
    const texts = new Map([
      ...memberTexts('body', memberAt(item, 'additionalData'), ['hmacSignature']),
      ...memberTexts('body', item, fields),
      ...memberTexts('body', memberAt(item, 'amount'), ['value', 'currency']),
    ])
    const success = memberAt(item, 'success')
    texts.set(
      'body.success',
      typeof success === 'boolean'
        ? String(success)
        : (memberTexts('body', item, ['success']).get('body.success') ?? ''),
    )
    const valueOf = (name: string) => texts.get(`body.${name.toLowerCase()}`) ?? ''
    texts.set(
      'body.content',
      [...fields.slice(0, 4), 'value', 'currency', 'eventCode', 'success'].map(valueOf).join(':'),
    )
    return texts.set('body.eventid', `${valueOf('pspReference')}:${valueOf('eventCode')}`)
  },
}

const fields = ['pspReference', 'originalReference', 'merchantAccountCode', 'merchantReference', 'eventCode']
