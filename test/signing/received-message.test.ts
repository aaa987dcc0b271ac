import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { mailgun } from 'posthorn/schemes'
import { awsSns } from 'posthorn/schemes-fetching'
import { describe, expect, it } from 'vitest'
import { Verifier } from '../../src/signing/verifier.ts'
import { clock, codeOf, nowMs, nowSeconds } from './messages.ts'

describe('Verifier with a scheme that signs members of the body', () => {
  it('takes no member from a header: the token of Mailgun, without which a repeat has no id', async () => {
    const secret = 'a-secret-as-text-0123456789'
    const [timestamp, token] = [String(nowSeconds), 't'.repeat(50)]
    const signature = createHmac('sha256', secret).update(`${timestamp}${token}`).digest('hex')
    const verifier = new Verifier({ secret, scheme: mailgun, clock })
    const body = (signed: object) => JSON.stringify({ signature: { timestamp, signature, ...signed } })
    expect((await verifier.verify({ headers: {}, body: body({ token }) })).eventId).toBe(token)
    const moved = { headers: { 'signature.token': token }, body: body({}) }
    expect(await codeOf(verifier.verify(moved))).toBe('SIGNATURE_MISMATCH')
  })

  it('takes no topic of SNS from a header, while the one that signed hides in the token', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = certificateOf(publicKey.export({ format: 'der', type: 'spki' }))
    const [mine, other] = ['arn:aws:sns:us-east-1:1:Mine', 'arn:aws:sns:us-east-1:6:Other']
    const fields = {
      Message: 'm',
      MessageId: 'i',
      SubscribeURL: 'https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription',
      Timestamp: new Date(nowMs).toISOString(),
      Token: 'token',
    }
    const signed = { ...fields, TopicArn: other, Type: 'SubscriptionConfirmation' }
    const content = Object.entries(signed).map(([name, text]) => `${name}\n${text}\n`)
    const body = JSON.stringify({
      ...fields,
      Token: `token\nTopicArn\n${other}`,
      Type: 'SubscriptionConfirmation',
      SignatureVersion: '2',
      SigningCertURL: 'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem',
      Signature: sign('sha256', Buffer.from(content.join('')), privateKey).toString('base64'),
    })
    const fetch = () => Promise.resolve(new Response(pem))
    const verifier = new Verifier({ scheme: awsSns({ topicArns: [mine], fetch, clock }), clock })
    expect(await codeOf(verifier.verify({ headers: { 'body.topicarn': mine }, body }))).toBe('SIGNATURE_MISMATCH')
  })
})

/** As much of a certificate as is read: its place for the validity, and the key. */
function certificateOf(spki: Uint8Array): string {
  const time = der(0x17, Buffer.from('490101000000Z'))
  const [none, validity] = [der(0x30), der(0x30, time, time)]
  const certificate = der(0x30, der(0x30, der(0x02, Buffer.of(1)), none, none, validity, none, spki))
  return `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----`
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  return Buffer.concat([Buffer.from(length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 255]), content])
}
