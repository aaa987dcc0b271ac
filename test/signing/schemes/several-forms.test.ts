import { createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { adyen, hubspot, mailgun, shopify } from 'posthorn/schemes'
import { describe, expect, it } from 'vitest'
import { createReceiver, memoryIdempotency } from 'posthorn/receiver'
import { Verifier } from 'posthorn/verify'
import { clock, codeOf, nowSeconds } from '../messages.ts'
import { requestOf, verifierOf } from './requests.ts'

const secret = 'a-shared-secret'
const mac = (content: string, encoding: 'hex' | 'base64', key = secret) =>
  createHmac('sha256', key).update(content).digest(encoding)

describe('mailgun', () => {
  const token = 'a'.repeat(50)
  const post = (own: string, parent?: string) => {
    const signature = { timestamp: String(nowSeconds), token, signature: own, 'parent-signature': parent }
    return new Verifier({ secret, scheme: mailgun, clock }).verify({ headers: {}, body: JSON.stringify({ signature }) })
  }
  const right = mac(`${nowSeconds}${token}`, 'hex')
  const other = mac(`${nowSeconds}${token}`, 'hex', 'of the subaccount')

  it('takes the signature of the account itself or of the one above it', async () => {
    expect((await post(right)).eventId).toBe(token)
    expect((await post(right, other)).eventId).toBe(token)
    expect((await post(other, right)).eventId).toBe(token)
    expect(await codeOf(post(other, other))).toBe('SIGNATURE_MISMATCH')
  })

  it('takes no more signatures than any list', async () => {
    expect(await codeOf(post(Array.from({ length: 17 }, () => right).join(' ')))).toBe('HEADER_INVALID')
  })
})

describe('shopify', () => {
  const verify = (headers: Record<string, string>) =>
    new Verifier({ secret, scheme: shopify }).verify({ headers, body: '{}' })
  const right = mac('{}', 'base64')

  it('reads the headers of the Events API, which have no X-', async () => {
    const headers = { 'Shopify-Hmac-Sha256': right, 'Shopify-Event-Id': 'e-1', 'Shopify-Topic': 'orders/paid' }
    expect(await verify(headers)).toMatchObject({ eventId: 'e-1', type: 'orders/paid' })
  })

  it('takes no id or topic of one set beside the signature of the other', async () => {
    const added = { 'X-Shopify-Webhook-Id': 'evil', 'X-Shopify-Topic': 'evil' }
    expect(await verify({ 'Shopify-Hmac-Sha256': right, ...added })).toMatchObject({ eventId: null, type: null })
    const wrong = { 'X-Shopify-Hmac-Sha256': right, 'Shopify-Hmac-Sha256': mac('{ }', 'base64') }
    expect(await codeOf(verify(wrong))).toBe('SIGNATURE_MISMATCH')
  })

  it('reads the set of the Events API where both are there, as Shopify sends them', async () => {
    const usual = { 'X-Shopify-Hmac-Sha256': right, 'X-Shopify-Webhook-Id': 'w-1', 'X-Shopify-Topic': 'orders/paid' }
    const events = { 'Shopify-Hmac-Sha256': right, 'Shopify-Event-Id': 'e-1', 'Shopify-Topic': 'orders/paid' }
    expect((await verify({ ...usual, ...events })).eventId).toBe('e-1')
    expect((await verify(usual)).eventId).toBe('w-1')
  })
})

describe('hubspot', () => {
  const nowMs = 1_700_000_000_000
  const verify = (signedUrl: string, url: string) =>
    new Verifier({ secret, scheme: hubspot({ publicUrl: 'https://example.com/hook' }), clock: () => nowMs }).verify({
      headers: {
        'X-HubSpot-Signature-v3': mac(`POST${signedUrl}[]${nowMs}`, 'base64'),
        'X-HubSpot-Request-Timestamp': String(nowMs),
      },
      body: '[]',
      method: 'POST',
      url,
    })

  it('takes the URL as it is written, and with the twelve escapes decoded that HubSpot lists', async () => {
    const query = '?a=%3A%2F%3f%40%21%24%27%28%29%2A%2c%3B%20%26%3D%23'
    for (const signed of [query, "?a=:/?@!$'()*,;%20%26%3D%23"]) {
      expect((await verify(`https://example.com/hook${signed}`, `/hook${query}`)).scheme).toBe('hubspot')
    }
  })

  it('takes no URL with other escapes decoded, or with those encoded that were not', async () => {
    expect(await codeOf(verify('https://example.com/hook?a=b&c', '/hook?a=b%26c'))).toBe('SIGNATURE_MISMATCH')
    expect(await codeOf(verify('https://example.com/hook?a=%3A', '/hook?a=:'))).toBe('SIGNATURE_MISMATCH')
  })
})

describe('paypal', () => {
  const request = requestOf('paypal')

  it('says that a checksum is all that is proven of the body, because another can be fitted to it', async () => {
    const forged = withChecksum('{"event_type":"PAYMENT.CAPTURE.COMPLETED","forged":', crc32(request.input.body))
    const verified = await verifierOf(request).verify({ ...request.input, body: forged })
    expect(Buffer.from(verified.rawBody).toString('latin1')).toContain('forged')
    expect(verified.covers).toEqual(['id', 'timestamp', 'checksum'])
    // A repeat of the captured request, by the id that is signed.
    expect(verified.eventId).toBe('t-1')
  })

  it('is refused by a receiver that was not told to accept such bodies', () => {
    const options = { verifier: verifierOf(request), on: {}, idempotency: memoryIdempotency() }
    expect(() => createReceiver(options)).toThrow("uncoveredBody: 'accept'")
    expect(() => createReceiver({ ...options, uncoveredBody: 'accept' })).not.toThrow()
  })
})

/** Adds four bytes to a text so that its CRC-32 becomes the one given. */
function withChecksum(text: string, checksum: number): Uint8Array {
  // The checksum is affine in the four bytes: which of their 32 bits turn which of its bits is a system of equations.
  const of = (bits: number) => {
    const end = Buffer.alloc(4)
    end.writeUInt32LE(bits >>> 0)
    return crc32(Buffer.concat([Buffer.from(text), end]))
  }
  const base = of(0)
  let wanted = (base ^ checksum) >>> 0
  let bits = 0
  const rows: { effect: number; bits: number }[] = []
  for (let index = 0; index < 32; index++) {
    let row = { effect: (of(2 ** index) ^ base) >>> 0, bits: 2 ** index }
    for (const other of rows) if ((row.effect ^ other.effect) >>> 0 < row.effect) row = combined(row, other)
    if (row.effect !== 0) rows.push(row)
  }
  rows.sort((left, right) => right.effect - left.effect)
  for (const row of rows) {
    if ((wanted ^ row.effect) >>> 0 >= wanted) continue
    wanted = (wanted ^ row.effect) >>> 0
    bits = (bits ^ row.bits) >>> 0
  }
  const end = Buffer.alloc(4)
  end.writeUInt32LE(bits)
  return Buffer.concat([Buffer.from(text), end])
}

function combined(left: { effect: number; bits: number }, right: { effect: number; bits: number }) {
  return { effect: (left.effect ^ right.effect) >>> 0, bits: (left.bits ^ right.bits) >>> 0 }
}

describe('what a scheme finds in the body', () => {
  it.each([10, 5000, 250_000])('may be longer than a header: a reference of %i characters', async (length) => {
    const key = '44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056'
    const item = {
      pspReference: '7914073381342284',
      originalReference: '',
      merchantAccountCode: 'TestMerchant',
      merchantReference: 'x'.repeat(length),
      amount: { value: 1130, currency: 'EUR' },
      eventCode: 'AUTHORISATION',
      success: 'true',
    }
    const content = `7914073381342284::TestMerchant:${item.merchantReference}:1130:EUR:AUTHORISATION:true`
    const hmacSignature = createHmac('sha256', Buffer.from(key, 'hex')).update(content).digest('base64')
    const body = JSON.stringify({
      notificationItems: [{ NotificationRequestItem: { ...item, additionalData: { hmacSignature } } }],
    })
    const verified = await new Verifier({ scheme: adyen, secret: key }).verify({ headers: {}, body })
    expect(verified.eventId).toBe('7914073381342284:AUTHORISATION')
  })
})
