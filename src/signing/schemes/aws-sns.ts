import { spkiKey } from '#crypto'
import { base64 } from '../base64.ts'
import { memberTexts } from '../body-texts.ts'
import { PosthornError } from '../../domain/error.ts'
import { readCertificate } from '../certificate.ts'
import { emptyAnswer } from '../handshake.ts'
import { createVerifyKey } from '../key.ts'
import { checkKeyFetchOptions, fetchText, KeyCache, type KeyFetchOptions } from '../key-cache.ts'
import type { Scheme } from '../scheme.ts'
import { isoTime } from '../time-units.ts'
import { parseJson, payloadText } from '../verified-webhook.ts'

/** Options of {@link awsSns}. */
export interface AwsSnsOptions extends KeyFetchOptions {
  /** The topics that are accepted. Everybody can have a topic of their own, signed by the same certificates. */
  readonly topicArns: readonly string[]
  /** The topic's attribute `SignatureVersion`: `2` (SHA-256) unless given; SNS itself signs with `1` (SHA-1) where a topic has none. */
  readonly signatureVersion?: '1' | '2'
}

/**
 * AWS SNS over HTTPS: `Signature` in the body is the base64 RSA signature of some of its fields: `Message`, `MessageId`, `Subject`,
 * `Timestamp`, `TopicArn` and `Type`, and for a confirmation `SubscribeURL` and `Token`. **Nothing else in the body is signed.** The
 * certificate is fetched from `SigningCertURL`, which must be at `sns.<region>.amazonaws.com` (or `.cn`). SNS repeats a message with its
 * first time for up to an hour by default, which is the age allowed. A subscription is confirmed as a handshake, by fetching
 * `SubscribeURL` at the same pinned hosts.
 */
export function awsSns({ topicArns, signatureVersion = '2', ...options }: AwsSnsOptions): Scheme {
  checkKeyFetchOptions('awsSns', options)
  if (!Array.isArray(topicArns) || topicArns.length === 0)
    throw new TypeError('awsSns: topicArns must list one topic at least.')
  if (signatureVersion !== '1' && signatureVersion !== '2')
    throw new TypeError("awsSns: signatureVersion must be '1' or '2'.")
  const algorithm = signatureVersion === '1' ? 'rsa-sha1' : 'rsa-sha256'
  const cache = new KeyCache(async (url) => {
    const { spki, notAfterMs } = readCertificate(await fetchText(url, options))
    return [
      createVerifyKey(
        { algorithm, bytes: spki, check: spkiKey(algorithm, spki) },
        0,
        url.split('/').at(-1) ?? null,
        notAfterMs,
      ),
    ]
  }, options)
  return {
    name: 'aws-sns',
    covers: ['id', 'timestamp', 'fields'],
    readSecret: () => 'has no use: SNS is verified by its certificates',
    signature: { header: 'body.signature', encoding: base64, prefixes: { [algorithm]: '' }, syntax: 'single' },
    eventId: { header: 'body.messageid' },
    eventType: { header: 'body.type' },
    timestamp: { place: { header: 'body.timestamp' }, unit: isoTime, maxAgeMs: 3_600_000 },
    isInBody: true,
    divide(_, body) {
      const texts = memberTexts('body', parseJson(body), members)
      const isConfirmation = texts.get('body.type') !== 'Notification'
      const lines = (isConfirmation ? confirmationFields : notificationFields).flatMap((name) => {
        const text = texts.get(`body.${name.toLowerCase()}`)
        return text === undefined ? [] : [`${name}\n${text}\n`]
      })
      return texts.set('body.content', lines.join(''))
    },
    signedContent({ header }) {
      const isAccepted =
        topicArns.includes(header('body.topicarn')) && header('body.signatureversion') === signatureVersion
      return isAccepted && types.includes(header('body.type')) ? [header('body.content')] : null
    },
    writeHeaders: null,
    async keySource(query) {
      const url = query.texts.get('body.signingcerturl') ?? ''
      // The whole path, and no query: the API at the same host answers with what its callers wrote, such as a topic's policy.
      if (isOfSns(url) && /^https:\/\/[^/]+\/SimpleNotificationService-[\w-]{1,100}\.pem$/.test(url))
        return await cache.get(url, query)
      throw new PosthornError('HEADER_INVALID', 'SigningCertURL leads to no certificate of SNS.')
    },
    async handshake(verified) {
      const url = payloadText(verified, { body: 'SubscribeURL' })
      if (verified.type !== 'SubscriptionConfirmation' || url === null) return null
      if (!isOfSns(url)) throw new PosthornError('HEADER_INVALID', 'SubscribeURL does not lead to SNS.')
      await fetchText(url, options)
      return emptyAnswer(200)
    },
  }
}

const types = ['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']
const notificationFields = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
const confirmationFields = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
const members = [...notificationFields, 'SubscribeURL', 'Token', 'Signature', 'SignatureVersion', 'SigningCertURL']

function isOfSns(url: string): boolean {
  // A region such as us-gov-west-1, not just any name: at sns.s3.amazonaws.com is a bucket of somebody's.
  return /^https:\/\/sns\.[a-z]{2,8}(-[a-z]{2,12}){1,3}-\d{1,2}\.amazonaws\.com(\.cn)?\/[^\s@\\]*$/.test(url)
}
