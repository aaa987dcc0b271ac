// Writes requests.json: one signed request for every scheme, laid out here a second time with nothing but node:crypto, from what the
// providers document, so that the schemes are not tested against themselves. Run it again only to add a scheme.
import { execFileSync } from 'node:child_process'
import { createHash, createHmac, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

const seconds = 1_700_000_000
const nowMs = seconds * 1000
const time = String(seconds)
const millis = String(nowMs)
const iso = new Date(nowMs).toISOString()
const text = 'a-shared-secret-of-some-length-0123456789'
const hexKey = '44782def547aaa06c910c43932b1eb0c71fc68d9d0c057550c48ec2acf6ba056'
const standard = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const standardKey = Buffer.from(standard.slice(6), 'base64')
const json = JSON.stringify({
  id: 'evt_1',
  event_id: 'evt_1',
  type: 'order.paid',
  event: { id: 'evt_1', type: 'paid' },
  data: { amount: 4200, note: 'é' },
})

const mac = (hash, key, content, encoding) => createHmac(hash, key).update(content).digest(encoding)
const hex = (content, key = text) => mac('sha256', key, content, 'hex')
const b64 = (content, key = text) => mac('sha256', key, content, 'base64')
const sha1 = (content) => mac('sha1', text, content, 'base64')
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const request = (scheme, headers, more = {}) => ({ scheme, secret: text, nowMs, headers, body: json, ...more })

const hmacRequests = [
  request('github', {
    'X-GitHub-Delivery': 'd-1',
    'X-GitHub-Event': 'push',
    'X-Hub-Signature-256': `sha256=${hex(json)}`,
  }),
  request('stripe', { 'Stripe-Signature': `t=${time},v1=${hex(`${time}.${json}`)},v0=${'0'.repeat(64)}` }),
  request('slack', { 'X-Slack-Request-Timestamp': time, 'X-Slack-Signature': `v0=${hex(`v0:${time}:${json}`)}` }),
  request('shopify', {
    'X-Shopify-Hmac-Sha256': b64(json),
    'X-Shopify-Webhook-Id': 'w-1',
    'X-Shopify-Topic': 'orders/paid',
  }),
  request(
    'square',
    { 'x-square-hmacsha256-signature': b64(`https://example.com/square${json}`) },
    { options: { notificationUrl: 'https://example.com/square' } },
  ),
  request('zoom', { 'x-zm-request-timestamp': time, 'x-zm-signature': `v0=${hex(`v0:${time}:${json}`)}` }),
  request('paddle', { 'Paddle-Signature': `ts=${time};h1=${hex(`${time}:${json}`)}` }),
  ...[JSON.stringify({ type: 'Issue', webhookTimestamp: nowMs, data: { id: '1' } })].map((body) =>
    request('linear', { 'Linear-Signature': hex(body), 'Linear-Delivery': 'd-1' }, { body }),
  ),
  request('intercom', { 'X-Hub-Signature': `sha1=${mac('sha1', text, json, 'hex')}` }),
  ...[JSON.stringify([{ eventId: 1, subscriptionId: 2, portalId: 3, objectId: 4, occurredAt: nowMs }])].map((body) =>
    request(
      'hubspot',
      {
        'X-HubSpot-Request-Timestamp': millis,
        'X-HubSpot-Signature-v3': b64(`POSThttps://example.com/hubspot?a=1${body}${millis}`),
      },
      { options: { publicUrl: 'https://example.com/hubspot' }, method: 'POST', url: '/hubspot?a=1', body },
    ),
  ),
  request('zendesk', {
    'X-Zendesk-Webhook-Signature-Timestamp': iso,
    'X-Zendesk-Webhook-Signature': b64(iso + json),
    'X-Zendesk-Webhook-Invocation-Id': 'i-1',
  }),
  request('workos', { 'WorkOS-Signature': `t=${millis}, v1=${hex(`${millis}.${json}`)}` }),
  request('typeform', { 'Typeform-Signature': `sha256=${b64(json)}` }),
  request('calendly', { 'Calendly-Webhook-Signature': `t=${time},v1=${hex(`${time}.${json}`)}` }),
  request('dropbox', { 'X-Dropbox-Signature': hex(json) }),
  request('meta', { 'X-Hub-Signature-256': `sha256=${hex(json)}` }, { options: {} }),
  ...[JSON.stringify({ events: [{ webhookEventId: 'e-1', type: 'message' }] })].map((body) =>
    request('line', { 'x-line-signature': b64(body) }, { body }),
  ),
  request('gitlabToken', { 'X-Gitlab-Token': text, 'Idempotency-Key': 'k-1', 'X-Gitlab-Event': 'Push Hook' }),
  request('bitbucket', {
    'X-Hub-Signature': `sha256=${hex(json)}`,
    'X-Request-UUID': 'u-1',
    'X-Event-Key': 'repo:push',
  }),
  request('jira', { 'X-Hub-Signature': `sha256=${hex(json)}`, 'X-Atlassian-Webhook-Identifier': 'a-1' }),
  request('asana', { 'X-Hook-Signature': hex(json) }, { options: {} }),
  ...[text.padEnd(64, 'x').slice(0, 64)].map((secret) =>
    request(
      'contentful',
      {
        'x-contentful-timestamp': millis,
        'x-contentful-topic': 'Entry.publish',
        'x-contentful-signed-headers': 'x-contentful-signed-headers,x-contentful-timestamp,x-contentful-topic',
        'x-contentful-signature': hex(
          `POST\n/contentful?a=1\nx-contentful-signed-headers:x-contentful-signed-headers,x-contentful-timestamp,x-contentful-topic;x-contentful-timestamp:${millis};x-contentful-topic:Entry.publish\n${json}`,
          secret,
        ),
      },
      { secret, method: 'POST', url: '/contentful?a=1' },
    ),
  ),
  request('sentry', { 'Sentry-Hook-Signature': hex(json), 'Request-ID': 'r-1', 'Sentry-Hook-Resource': 'issue' }),
  request('vercel', { 'x-vercel-signature': mac('sha1', text, json, 'hex') }),
  request('adyenPlatform', { HmacSignature: b64(json, Buffer.from(hexKey, 'hex')) }, { secret: hexKey }),
  request('adyen', {}, { secret: hexKey, body: adyenBody() }),
  request('razorpay', { 'X-Razorpay-Signature': hex(json), 'x-razorpay-event-id': 'e-1' }),
  request('lemonSqueezy', { 'X-Signature': hex(json), 'X-Event-Name': 'order_created' }),
  request('coinbase', {
    'X-Hook0-Signature': `t=${time},h=content-type x-event-id,v1=${hex(`${time}.content-type x-event-id.application/json.e-1.${json}`)}`,
    'Content-Type': 'application/json',
    'X-Event-Id': 'e-1',
  }),
  request('coinbaseCommerce', { 'X-CC-Webhook-Signature': hex(json) }),
  request('notion', { 'X-Notion-Signature': `sha256=${hex(json)}` }, { options: {} }),
  ...[JSON.stringify({ event: 'envelope-completed', generatedDateTime: iso, data: { envelopeId: 'e-1' } })].map(
    (body) =>
      request(
        'docusign',
        { 'X-DocuSign-Signature-1': b64(body, 'another key'), 'X-DocuSign-Signature-2': b64(body) },
        { body },
      ),
  ),
  request('box', {
    'box-delivery-timestamp': iso,
    'box-signature-version': '1',
    'box-signature-algorithm': 'HmacSHA256',
    'box-signature-primary': b64(json + iso, 'another key'),
    'box-signature-secondary': b64(json + iso),
  }),
  ...['0123456789abcdef0123456789abcdef0123456789abcdef01'].map((token) =>
    request(
      'mailgun',
      {},
      {
        body: JSON.stringify({
          signature: { timestamp: time, token, signature: hex(time + token) },
          'event-data': { event: 'opened' },
        }),
      },
    ),
  ),
  request('ipaScheme', { 'X-IPA-Signature': hex(json), 'X-IPA-Event': 'order.paid' }),
  ...twilioRequests(),
]

const standardRequests = [
  ['standardWebhooks', standard, 'webhook', standardKey],
  ['svix', standard, 'svix', standardKey],
  ['resend', standard, 'svix', standardKey],
  ['clerk', standard, 'svix', standardKey],
  ['openai', standard, 'webhook', standardKey],
  [
    'polar',
    'polar_whs_ovyN6cPrTv56AApvzCaJno08SSmGJmgbWilb33N2JuK',
    'webhook',
    'polar_whs_ovyN6cPrTv56AApvzCaJno08SSmGJmgbWilb33N2JuK',
  ],
  ['supabase', `v1,${standard}`, 'webhook', standardKey],
  ['gitlab', standard, 'webhook', standardKey],
].map(([scheme, secret, prefix, key]) =>
  request(
    scheme,
    {
      [`${String(prefix)}-id`]: 'msg_1',
      [`${String(prefix)}-timestamp`]: time,
      [`${String(prefix)}-signature`]: `v1,${b64(`msg_1.${time}.${json}`, key)}`,
    },
    { secret },
  ),
)

const folder = mkdtempSync(join(tmpdir(), 'posthorn-requests-'))
try {
  const requests = [...hmacRequests, ...standardRequests, ...publicKeyRequests(), ...fetchingRequests()]
  writeFileSync(new URL('requests.json', import.meta.url), `${JSON.stringify(requests, null, 2)}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function adyenBody() {
  const item = {
    pspReference: '7914073381342284',
    originalReference: '',
    merchantAccountCode: 'TestMerchant',
    merchantReference: 'ref-1',
    amount: { value: 1130, currency: 'EUR' },
    eventCode: 'AUTHORISATION',
    success: 'true',
  }
  const content = `${item.pspReference}::TestMerchant:ref-1:1130:EUR:AUTHORISATION:true`
  const hmacSignature = b64(content, Buffer.from(hexKey, 'hex'))
  return JSON.stringify({
    live: 'false',
    notificationItems: [{ NotificationRequestItem: { ...item, additionalData: { hmacSignature } } }],
  })
}

function twilioRequests() {
  const options = { publicUrl: 'https://example.com/twilio' }
  const form = 'To=456&From=123&Body=Hi+there'
  const hash = createHash('sha256').update(json).digest('hex')
  return [
    request(
      'twilio',
      {
        'X-Twilio-Signature': sha1('https://example.com/twilio?a=1BodyHi thereFrom123To456'),
        'I-Twilio-Idempotency-Token': 't-1',
      },
      { options, body: form, url: '/twilio?a=1' },
    ),
    request(
      'twilio',
      { 'X-Twilio-Signature': sha1(`https://example.com/twilio?bodySHA256=${hash}`) },
      { options, url: `/twilio?bodySHA256=${hash}`, variant: 'JSON' },
    ),
  ]
}

function publicKeyRequests() {
  // The key pair of the Svix server's own test; v1a has no other published one.
  const seed = Buffer.from(
    '6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==',
    'base64',
  )
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed.subarray(0, 32)]),
    format: 'der',
    type: 'pkcs8',
  })
  const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const body = `${JSON.stringify([{ sg_event_id: 's-1', event: 'open', note: 'é' }])}\r\n`
  return [
    request(
      'standardWebhooks',
      {
        'webhook-id': 'msg_1',
        'webhook-timestamp': time,
        'webhook-signature': `v1a,${sign(null, Buffer.from(`msg_1.${time}.${json}`), key).toString('base64')}`,
      },
      { secret: `whpk_${seed.subarray(32).toString('base64')}`, variant: 'v1a' },
    ),
    request(
      'discord',
      {
        'X-Signature-Timestamp': time,
        'X-Signature-Ed25519': sign(null, Buffer.from(time + json), key).toString('hex'),
      },
      { secret: seed.subarray(32).toString('hex') },
    ),
    request(
      'sendgrid',
      {
        'X-Twilio-Email-Event-Webhook-Timestamp': time,
        'X-Twilio-Email-Event-Webhook-Signature': sign('sha256', Buffer.from(time + body), ec.privateKey).toString(
          'base64',
        ),
      },
      { secret: ec.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'), body },
    ),
  ]
}

/** Requests whose keys are fetched; `keys` is what the pinned place answers. */
function fetchingRequests() {
  const keyFile = join(folder, 'key.pem')
  const pem = execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', keyFile, '-days', '36500', '-subj', '/CN=test'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const rsa = createPrivateKey(readFileSync(keyFile))
  const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const paypalUrl = 'https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-5edc0ebc'
  const webhookId = '8PT597110X687430LKGECATA'
  const snsUrl = 'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem'
  const topic = 'arn:aws:sns:us-east-1:123456789012:MyTopic'
  const message = {
    Type: 'Notification',
    MessageId: 'm-1',
    TopicArn: topic,
    Subject: 'Hi',
    Message: 'Hello',
    Timestamp: iso,
    SignatureVersion: '2',
  }
  const snsContent = `Message\nHello\nMessageId\nm-1\nSubject\nHi\nTimestamp\n${iso}\nTopicArn\n${topic}\nType\nNotification\n`
  const Signature = sign('sha256', Buffer.from(snsContent), rsa).toString('base64')
  const hash = createHash('sha256').update(json).digest('hex')
  const token = `${part({ alg: 'ES256', kid: 'kid-1', typ: 'JWT' })}.${part({ iat: seconds, request_body_sha256: hash })}`
  const jwtSignature = sign('sha256', Buffer.from(token), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }).toString(
    'base64url',
  )
  const jwk = { ...ec.publicKey.export({ format: 'jwk' }), kid: 'kid-1', alg: 'ES256', use: 'sig' }
  return [
    request(
      'paypal',
      {
        'paypal-transmission-id': 't-1',
        'paypal-transmission-time': iso,
        'paypal-auth-algo': 'SHA256withRSA',
        'paypal-cert-url': paypalUrl,
        'paypal-transmission-sig': sign('sha256', Buffer.from(`t-1|${iso}|${webhookId}|${crc32(json)}`), rsa).toString(
          'base64',
        ),
      },
      { secret: null, options: { webhookId }, keys: { [paypalUrl]: pem } },
    ),
    request(
      'awsSns',
      {},
      {
        secret: null,
        options: { topicArns: [topic] },
        body: JSON.stringify({ ...message, Signature, SigningCertURL: snsUrl, UnsubscribeURL: 'https://example.com' }),
        keys: { [snsUrl]: pem },
      },
    ),
    request(
      'plaid',
      { 'Plaid-Verification': `${token}.${jwtSignature}` },
      {
        secret: null,
        options: { clientId: 'id', secret: 'secret' },
        keys: { 'https://production.plaid.com/webhook_verification_key/get': JSON.stringify({ key: jwk }) },
      },
    ),
  ]
}
