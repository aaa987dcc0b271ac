import * as fc from 'fast-check'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { generateSecret } from '../../src/signing/secret.ts'
import { Signer } from '../../src/signing/signer.ts'
import { Verifier } from '../../src/signing/verifier.ts'
import { otherSecret, secret } from './messages.ts'

const id = fc.stringMatching(/^[!-+/-~\x2d]{1,40}$/).filter((text) => !/[.,]/.test(text))
const json = fc.json()

describe('the standardwebhooks package', () => {
  it('verifies what Signer signs', async () => {
    const theirs = new Webhook(secret)
    const ours = new Signer({ secret: [otherSecret, secret] })
    await fc.assert(
      fc.asyncProperty(id, json, async (eventId, body) => {
        const headers = await ours.sign({ id: eventId, body })
        expect(theirs.verify(body, headers)).toEqual(JSON.parse(body))
        expect(() => theirs.verify(`${body} `, headers)).toThrow(WebhookVerificationError)
      }),
      { numRuns: 300 },
    )
  })

  it('signs what Verifier verifies', async () => {
    await fc.assert(
      fc.asyncProperty(id, fc.string({ unit: 'grapheme' }), async (eventId, body) => {
        const shared = generateSecret()
        const timestamp = new Date()
        const headers = {
          'Webhook-Id': eventId,
          'Webhook-Timestamp': String(Math.floor(timestamp.getTime() / 1000)),
          'Webhook-Signature': new Webhook(shared).sign(eventId, timestamp, body),
        }
        const event = await new Verifier({ secret: shared }).verify({ headers, body })
        expect(event.eventId).toBe(eventId)
        expect(Buffer.from(event.rawBody).toString()).toBe(body)
      }),
      { numRuns: 300 },
    )
  })

  it('makes the same signature', async () => {
    const timestamp = new Date(1_614_265_330_000)
    const headers = await new Signer({ secret }).sign({ id: 'msg_1', timestamp, body: '{"é":1}' })
    expect(headers['webhook-signature']).toBe(new Webhook(secret).sign('msg_1', timestamp, '{"é":1}'))
  })
})
