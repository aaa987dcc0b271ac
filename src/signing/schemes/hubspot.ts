import { base64 } from '../base64.ts'
import { idOfEach } from '../item-ids.ts'
import { checkPublicUrl, withQueryOf } from '../public-url.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { milliseconds } from '../time-units.ts'

/** Options of {@link hubspot}. */
export interface HubspotOptions {
  /** The URL exactly as HubSpot has it; the query is taken from each request. */
  readonly publicUrl: string
}

/**
 * HubSpot v3: `X-HubSpot-Signature-v3` is the base64 HMAC-SHA256 of method, URL, body and timestamp, keyed by the app's client secret as
 * text; the time is `X-HubSpot-Request-Timestamp` in milliseconds, within 300 s. The request's `method` and `url` must be given. A body
 * is a list of events; HubSpot does not promise that an `eventId` is unique, so the event id is made of `eventId`, `subscriptionId`, `portalId`,
 * `objectId` and `occurredAt` of each, and not of `attemptNumber`, which changes with a repeat. HubSpot's
 * documentation has twelve escapes of the URL decoded before it is signed, its SDK none: both are tried. Not confirmed: which of them HubSpot does.
 */
export function hubspot({ publicUrl }: HubspotOptions): Scheme {
  checkPublicUrl('hubspot', 'publicUrl', publicUrl)
  return {
    name: 'hubspot',
    covers: ['method', 'url', 'body', 'timestamp'],
    readSecret: textSecret,
    signature: {
      header: 'X-HubSpot-Signature-v3',
      encoding: base64,
      prefixes: { 'hmac-sha256': '' },
      syntax: 'single',
    },
    eventId: idOfEach(null, ['eventId', 'subscriptionId', 'portalId', 'objectId', 'occurredAt']),
    eventType: null,
    timestamp: { place: { header: 'X-HubSpot-Request-Timestamp' }, unit: milliseconds },
    signedContent({ method, url, body, timestamp }) {
      const written = withQueryOf(publicUrl, url)
      // The list of "Validating requests" at developers.hubspot.com: : / ? @ ! $ ' ( ) * , ;
      const decoded = written.replace(/%(3[abf]|2[14789acf]|40)/gi, decodeURIComponent)
      return { anyOf: [...new Set([written, decoded])].map((each) => [method, each, body, timestamp]) }
    },
  }
}
