// What posthorn/receiver has to do on every runtime: plain async functions that throw. They use nothing but the two doors and the globals
// that Node, Bun, Deno and Workers have in common. Run all of them with runReceiverChecks().
import { createReceiver, defineEvents, memoryIdempotency, toLambdaHandler } from 'posthorn/receiver'
import { generateSecret, Signer, Verifier } from 'posthorn/verify'

const url = 'https://app.example/webhooks'
const paid = '{"type":"order.paid","data":{"orderId":"Grüße","2":1,"1":1.0}}'

/** The checks by name. */
export const receiverChecks = {
  'works on a signed event once': async () => {
    const { receiver, secret, seen } = receiverWith()
    equal(await statusOf(receiver, secret, 'msg_1'), 200)
    equal(await statusOf(receiver, secret, 'msg_1'), 200)
    equal(seen, [['msg_1', 'Grüße']])
  },

  'turns away what is forged, stale, too long and no JSON': async () => {
    const { receiver, secret, seen } = receiverWith()
    equal(await statusOf(receiver, generateSecret(), 'msg_1'), 401)
    equal(await statusOf(receiver, secret, 'msg_1', paid, new Date(Date.now() - 600_000)), 401)
    equal(await statusOf(receiver, secret, 'msg_1', `"${'x'.repeat(2_000)}"`), 413)
    equal(await statusOf(receiver, secret, 'msg_1', '{'), 400)
    equal(await statusOf(receiver, secret, 'msg_1', '{"type":"order.paid","data":{"orderId":5}}'), 422)
    equal(await statusOf(receiver, secret, 'msg_2', '{"type":"__proto__","data":{}}'), 200)
    equal(seen, [])
  },

  'reads a streamed body no further than its limit': async () => {
    const { receiver, secret } = receiverWith()
    const headers = await new Signer({ secret }).sign({ id: 'msg_1', body: paid })
    let pulls = 0
    const body = new ReadableStream({
      pull(controller) {
        pulls++
        if (pulls > 100) controller.close()
        else controller.enqueue(new Uint8Array(500))
      },
    })
    const response = await receiver.fetch(new Request(url, { method: 'POST', headers, body, duplex: 'half' }))
    equal(response.status, 413)
    if (pulls > 20) throw new Error(`read on for ${pulls} chunks`)
  },

  'lets the next attempt in after a handler that throws, and keeps a repeat out meanwhile': async () => {
    const secret = generateSecret()
    const finished = new AbortController()
    const working = new Promise((resolve) => finished.signal.addEventListener('abort', resolve))
    let runs = 0
    const receiver = createReceiver({
      verifier: new Verifier({ secret }),
      idempotency: memoryIdempotency(),
      on: {
        'order.paid': async () => {
          if (++runs > 1) return
          await working
          throw new Error('first')
        },
      },
      onError: () => {},
    })
    const first = statusOf(receiver, secret, 'msg_1')
    for (let turns = 0; runs === 0 && turns < 200; turns++) await new Promise((resolve) => setTimeout(resolve, 5))
    equal(await statusOf(receiver, secret, 'msg_1'), 409)
    finished.abort()
    equal(await first, 500)
    equal(await statusOf(receiver, secret, 'msg_1'), 200)
    equal(runs, 2)
  },

  'answers first, and hands the work to waitUntil': async () => {
    const secret = generateSecret()
    const store = memoryIdempotency()
    const durable = { name: 'check', durability: 'disk' }
    for (const method of ['reserve', 'complete', 'release', 'claimLapsed'])
      durable[method] = (...args) => store[method](...args)
    const seen = []
    const receiver = createReceiver({
      verifier: new Verifier({ secret }),
      idempotency: durable,
      acknowledge: 'after-store',
      endpoint: 'checks',
      on: { 'order.paid': ({ id }) => void seen.push(id) },
    })
    const waited = []
    const request = await signedRequest(secret, 'msg_1')
    equal((await receiver.fetch(request, { waitUntil: (promise) => waited.push(promise) })).status, 200)
    equal(waited.length, 1)
    await Promise.all(waited)
    equal(seen, ['msg_1'])
  },

  'answers an event of Lambda': async () => {
    const { receiver, secret } = receiverWith()
    const headers = await new Signer({ secret }).sign({ id: 'msg_1', body: paid })
    const requestContext = { http: { method: 'POST' } }
    const answer = await toLambdaHandler(receiver)({
      version: '2.0',
      rawPath: '/',
      headers,
      body: paid,
      requestContext,
    })
    equal(answer.statusCode, 200)
  },
}

/** Runs every check; answers the names of those that passed, and throws for the first that does not. */
export async function runReceiverChecks() {
  for (const [name, check] of Object.entries(receiverChecks)) {
    try {
      await check()
    } catch (error) {
      throw new Error(`posthorn/receiver: ${name}: ${String(error)}`, { cause: error })
    }
  }
  return Object.keys(receiverChecks)
}

function receiverWith() {
  const secret = generateSecret()
  const seen = []
  const order = {
    '~standard': {
      version: 1,
      vendor: 'check',
      validate: (value) =>
        typeof value?.orderId === 'string' ? { value } : { issues: [{ message: 'is no text', path: ['orderId'] }] },
    },
  }
  const receiver = createReceiver({
    verifier: new Verifier({ secret, maxBodyBytes: 1_000 }),
    events: defineEvents({ 'order.paid': order }),
    on: { 'order.paid': ({ id, data }) => void seen.push([id, data.orderId]) },
    idempotency: memoryIdempotency(),
  })
  return { receiver, secret, seen }
}

async function signedRequest(secret, id, body = paid, timestamp = new Date()) {
  const headers = await new Signer({ secret }).sign({ id, timestamp, body })
  return new Request(url, { method: 'POST', headers, body })
}

async function statusOf(receiver, ...signed) {
  return (await receiver.fetch(await signedRequest(...signed))).status
}

function equal(actual, expected) {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (left !== right) throw new Error(`${left} is not ${right}`)
}
