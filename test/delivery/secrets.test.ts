import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  EventDispatcher,
  ipaScheme,
  keyring,
  memoryStorage,
  standardWebhooks,
  Verifier,
  WebhookRegistry,
  type CreateWebhookInput,
  type Encryption,
  type EventDispatcherOptions,
  type PosthornError,
  type Scheme,
} from 'posthorn'
import { manualClock } from '../support/clock.ts'
import { loopback } from '../support/loopback.ts'
import { startReceiver, type Answer, type Received } from '../support/receiver.ts'

const key = randomBytes(32)

/** A KMS that can be away, and counts what it is asked. */
function countingKms() {
  const ring = keyring({ k1: key })
  const kms = { isAway: false, opened: 0 }
  const encryption: Encryption = {
    seal: async (text, context) => ring.seal(text, context),
    async open(sealed, context) {
      kms.opened++
      await new Promise((resolve) => setImmediate(resolve))
      if (kms.isAway) throw new Error('connect ECONNREFUSED')
      return ring.open(sealed, context)
    },
    isCurrent: (sealed) => ring.isCurrent(sealed),
  }
  return { kms, encryption }
}

async function setUp(
  url: string,
  options: {
    readonly encryption?: Encryption
    readonly webhook?: Partial<CreateWebhookInput>
    readonly dispatcher?: Partial<EventDispatcherOptions>
  } = {},
) {
  const clock = manualClock()
  const storage = memoryStorage({ clock: clock.now })
  const { encryption = keyring({ k1: key }) } = options
  const registry = new WebhookRegistry({ storage, encryption, clock: clock.now, addresses: loopback })
  const dispatcher = new EventDispatcher({ registry, clock: clock.now, retry: { retries: 0 }, ...options.dispatcher })
  const errors: PosthornError[] = []
  dispatcher.on('worker.error', ({ error }) => void errors.push(error as PosthornError))
  const webhook = await registry.create({ name: 'a', url, events: ['a.*'], maxInFlight: 100, ...options.webhook })
  const states = async () => (await dispatcher.listDeliveries({ order: 'asc' })).data.map(({ state }) => state)
  return { clock, storage, registry, dispatcher, webhook, errors, states }
}

describe('a delivery whose secrets are sealed', () => {
  it('is signed with what was sealed', async () => {
    await using receiver = await startReceiver()
    const { clock, dispatcher, webhook } = await setUp(receiver.url)
    await dispatcher.dispatch('a.b', { n: 1 })
    await dispatcher.drain()
    const [request] = receiver.received
    const verifier = new Verifier({ secret: webhook.secret, clock: clock.now })
    expect(await verifier.verify({ headers: request!.headers, body: request!.body })).toMatchObject({
      payload: { type: 'a.b' },
    })
  })

  it('opens a webhook once, however many deliveries and passes, and again when it changes', async () => {
    await using receiver = await startReceiver()
    const { kms, encryption } = countingKms()
    const { dispatcher, registry, webhook, states } = await setUp(receiver.url, { encryption })
    for (let n = 0; n < 20; n++) await dispatcher.dispatch('a.b', { n })
    await dispatcher.runOnce({ budgetMs: 2_000 })
    await dispatcher.dispatch('a.b', {})
    await dispatcher.runOnce({ budgetMs: 2_000 })
    expect(await states()).toEqual(Array.from({ length: 21 }, () => 'succeeded'))
    expect(kms.opened).toBe(1)
    await registry.rotateSecret(webhook.id)
    const asked = kms.opened
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect(kms.opened).toBe(asked + 1)
  })

  it('waits while the KMS is away, without an attempt, and goes out when it is back', async () => {
    await using receiver = await startReceiver()
    const { kms, encryption } = countingKms()
    const { clock, dispatcher, errors, states } = await setUp(receiver.url, { encryption })
    kms.isAway = true
    for (let n = 0; n < 3; n++) await dispatcher.dispatch('a.b', { n })
    // Many times over what makes a row a poisoned one.
    for (let n = 0; n < 35; n++) {
      await dispatcher.drain()
      clock.advance(11_000)
    }
    expect(await states()).toEqual(['pending', 'pending', 'pending'])
    expect(errors.length).toBeGreaterThanOrEqual(15)
    expect(errors.every(({ code }) => code === 'ENCRYPTION_UNAVAILABLE')).toBe(true)
    kms.isAway = false
    await dispatcher.drain()
    expect(await states()).toEqual(['succeeded', 'succeeded', 'succeeded'])
    const { data } = await dispatcher.listDeliveries()
    expect((await dispatcher.getDelivery(data[0]!.id)).attempts).toHaveLength(1)
  })

  it('holds the webhook back meanwhile, so that a backlog does not storm the KMS', async () => {
    await using receiver = await startReceiver()
    const { kms, encryption } = countingKms()
    const { clock, dispatcher } = await setUp(receiver.url, { encryption, webhook: { maxInFlight: 2 } })
    kms.isAway = true
    for (let n = 0; n < 50; n++) await dispatcher.dispatch('a.b', { n })
    await dispatcher.drain()
    expect(kms.opened).toBeLessThanOrEqual(2)
    clock.advance(4_000)
    await dispatcher.drain()
    expect(kms.opened).toBeLessThanOrEqual(2)
  })

  it('waits where another process has the key, and says which', async () => {
    await using receiver = await startReceiver()
    const { clock, storage, dispatcher, registry, webhook, errors, states } = await setUp(receiver.url)
    const newer = new WebhookRegistry({
      storage,
      encryption: keyring({ k1: key, k2: randomBytes(32) }),
      addresses: loopback,
    })
    await newer.rotateSecret(webhook.id)
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect(await states()).toEqual(['pending'])
    expect(errors.map(({ code }) => code)).toEqual(['ENCRYPTION_KEY_UNKNOWN'])
    expect(errors[0]?.message).toContain('"k2"')
    expect(registry.encryption).not.toBe(newer.encryption)
    clock.advance(11_000)
    await new EventDispatcher({ registry: newer, clock: clock.now }).drain()
    expect(await states()).toEqual(['succeeded'])
  })

  it('answers a test with pending while the KMS is away', async () => {
    const { kms, encryption } = countingKms()
    const { dispatcher, webhook } = await setUp('http://127.0.0.1:9/', { encryption })
    kms.isAway = true
    expect(await dispatcher.test(webhook.id)).toMatchObject({ state: 'pending', attempt: null })
    await dispatcher.stop()
  })

  it('fails as a bad row where what is sealed was tampered with', async () => {
    await using receiver = await startReceiver()
    const { storage, dispatcher, webhook, errors } = await setUp(receiver.url)
    const { sealed } = (await storage.getWebhook(webhook.id, 'default'))!
    const at = sealed.indexOf('a256gcm:k1:') + 40
    const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
    await storage.updateWebhook(webhook.id, 'default', { sealed: changed })
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect((await dispatcher.listDeliveries()).data).toMatchObject([{ state: 'failed', reason: 'invalid_secret' }])
    expect(errors.map(({ code }) => code)).toEqual(['SECRET_UNREADABLE'])
    expect(receiver.received).toEqual([])
  })
})

describe('a delivery to a webhook with headers of its own', () => {
  const headers = { Authorization: 'Bearer 0123456789abcdef', 'X-Quoted': 'ab"cd"ef"gh', 'X-Team': 'core' }

  it('carries them beside ours, in every attempt', async () => {
    await using receiver = await startReceiver((_, nth) => (nth === 1 ? 500 : 204))
    const { dispatcher } = await setUp(receiver.url, {
      webhook: { headers },
      dispatcher: { retry: { retries: 1, minTimeout: 1, maxTimeout: 1 } },
    })
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    expect(receiver.received).toHaveLength(2)
    for (const received of receiver.received) {
      expect(received.headers).toMatchObject({
        authorization: headers.Authorization,
        'x-team': 'core',
        'content-type': 'application/json',
        'user-agent': expect.stringContaining('posthorn/'),
        'webhook-signature': expect.stringContaining('v1,'),
      })
    }
  })

  it('carries ours where a scheme of the host uses the same name, in whatever case', async () => {
    await using receiver = await startReceiver()
    const scheme: Scheme = {
      ...standardWebhooks,
      name: 'house',
      eventId: { header: 'X-Team' },
      signature: { ...standardWebhooks.signature, header: 'AUTHORIZATION' },
    }
    const { dispatcher } = await setUp(receiver.url, {
      webhook: { headers },
      dispatcher: { schemes: [scheme, ipaScheme] },
    })
    const { eventId } = await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    const [{ headers: received }] = receiver.received as [Received]
    expect(received['x-team']).toBe(eventId)
    expect(received.authorization).toMatch(/^v1,[\w+/=]+$/)
  })

  it('leaves out what was stored before its name was refused', async () => {
    await using receiver = await startReceiver()
    const { storage, dispatcher, webhook } = await setUp(receiver.url)
    const keys = [{ secret: webhook.secret, expiresAt: null }]
    const sealed = JSON.stringify({ v: 1, keys, headers: { 'content-length': '0', cookie: 'a=b', 'x-fine': 'yes' } })
    await storage.updateWebhook(webhook.id, 'default', { sealed })
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    const [received] = receiver.received as [Received]
    expect(received.headers).toMatchObject({ 'x-fine': 'yes', 'content-length': String(received.body.length) })
    expect(received.headers.cookie).toBeUndefined()
  })

  it('is recorded without the values that a receiver echoes', async () => {
    const echo = ({ headers: got }: Received): Answer => ({
      status: 400,
      headers: { 'x-echo': String(got.authorization) },
      body: JSON.stringify(got),
    })
    await using receiver = await startReceiver(echo)
    const { dispatcher } = await setUp(receiver.url, { webhook: { headers } })
    await dispatcher.dispatch('a.b', {})
    await dispatcher.drain()
    const id = (await dispatcher.listDeliveries()).data[0]!.id
    const { attempts } = await dispatcher.getDelivery(id)
    expect(attempts[0]?.responseBody).not.toMatch(/0123456789abcdef|ab.{1,2}cd/)
    expect(attempts[0]?.responseHeaders).toMatchObject({ 'x-echo': '[redacted]' })
    expect(attempts[0]?.responseBody).toContain('"x-team":"core"')
  })
})
