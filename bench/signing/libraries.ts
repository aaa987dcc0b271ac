import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto'
import type { libraryNames } from './library-names.ts'
import type { Library, Message } from './library.ts'

/** The libraries that are compared, by name, each loaded on its own. The bare HMAC is the bound: the least that there is to do. */
export const libraries: Readonly<Record<(typeof libraryNames)[number], () => Library | Promise<Library>>> = {
  'bare createHmac': () => bare((bytes) => bytes),
  // What nobody can go below who promises that the body stays as it was verified.
  'bare createHmac, body copied': () => bare((bytes) => new Uint8Array(bytes)),
  posthorn,
  standardwebhooks,
  svix,
  '@octokit/webhooks-methods': octokit,
  stripe,
}

function bare(keep: (bytes: Buffer) => Uint8Array): Library {
  const key = createSecretKey(randomBytes(32))
  const hmac = (id: string, timestamp: string, body: Uint8Array) =>
    createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body)
  const check = (message: Message, headers: Record<string, string>) => {
    const bytes = keep(message.bytes)
    const made = hmac(headers['webhook-id'] ?? '', headers['webhook-timestamp'] ?? '', bytes).digest()
    const sent = Buffer.from((headers['webhook-signature'] ?? '').slice('v1,'.length), 'base64')
    if (!timingSafeEqual(made, sent)) throw new Error('The signature is wrong.')
    return bytes
  }
  return {
    sign({ id, text }) {
      const timestamp = String(Math.floor(Date.now() / 1000))
      const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64')
      return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
    },
    verify: check,
    parse(message, headers) {
      check(message, headers)
      return JSON.parse(message.bytes.toString()) as unknown
    },
  }
}

async function posthorn(): Promise<Library> {
  const { Signer, Verifier } = await import('posthorn/verify')
  const secret = newSecret()
  const signer = new Signer({ secret })
  const verifier = new Verifier({ secret })
  return {
    sign: ({ id, text }) => signer.sign({ id, body: text }),
    verify: ({ bytes }, headers) => verifier.verify({ headers, body: bytes }),
    parse: async ({ bytes }, headers) => (await verifier.verify({ headers, body: bytes })).payload,
  }
}

async function standardwebhooks(): Promise<Library> {
  const { Webhook } = await import('standardwebhooks')
  const webhook = new Webhook(newSecret())
  return {
    sign: (message) => signStandard(webhook, message),
    verify: ({ bytes }, headers) => webhook.verify(bytes, headers, { jsonParse: false }),
    parse: ({ bytes }, headers) => webhook.verify(bytes, headers),
  }
}

async function svix(): Promise<Library> {
  const { Webhook } = await import('svix')
  const webhook = new Webhook(newSecret())
  return {
    sign: (message) => signStandard(webhook, message),
    verify: ({ bytes }, headers) => webhook.verify(bytes, headers),
    parse({ bytes }, headers) {
      webhook.verify(bytes, headers)
      return JSON.parse(bytes.toString()) as unknown
    },
  }
}

interface StandardSigner {
  sign(id: string, timestamp: Date, payload: string): string
}

function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

function signStandard(webhook: StandardSigner, { id, text }: Message): Record<string, string> {
  const now = new Date()
  const timestamp = String(Math.floor(now.getTime() / 1000))
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': webhook.sign(id, now, text) }
}

async function octokit(): Promise<Library> {
  const { sign, verify } = await import('@octokit/webhooks-methods')
  const secret = randomBytes(32).toString('hex')
  return {
    sign: async ({ text }) => ({ 'x-hub-signature-256': await sign(secret, text) }),
    async verify({ bytes }, headers) {
      const isRight = await verify(secret, bytes.toString(), headers['x-hub-signature-256'] ?? '')
      if (!isRight) throw new Error('The signature is wrong.')
    },
  }
}

async function stripe(): Promise<Library> {
  const { Stripe } = await import('stripe')
  const secret = newSecret()
  const { webhooks } = new Stripe('sk_test_none')
  const { signature } = webhooks
  if (signature === null) throw new Error('This stripe has no signature helper.')
  return {
    sign: ({ text }) => ({ 'stripe-signature': webhooks.generateTestHeaderString({ payload: text, secret }) }),
    verify: ({ bytes }, headers) => signature.verifyHeader(bytes, headers['stripe-signature'] ?? '', secret),
    parse: ({ bytes }, headers) => webhooks.constructEvent(bytes, headers['stripe-signature'] ?? '', secret),
  }
}
