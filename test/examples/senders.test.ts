import { randomBytes } from 'node:crypto'
import { Verifier } from 'posthorn/verify'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildPackage } from '../support/built-package.ts'
import { type Received, startReceiver } from '../support/receiver.ts'
import { runExample, temporaryFolder } from './program.ts'

const timeout = 60_000

beforeAll(buildPackage, timeout)

describe('examples/sender-express', { timeout }, () => {
  it("delivers an order to its tenant's webhook, signed", async () => {
    const { send } = await startSender('sender-express/server.ts')
    const { url, next } = await receiver()
    const acme = 'Bearer token-of-acme'
    const webhook = await send('/api/webhooks', acme, { name: 'erp', url, events: ['order.*'] })
    expect(webhook.status).toBe(201)
    const order = await send('/orders', acme, { total: 12.5 })
    expect(order).toMatchObject({ status: 201, body: { orderId: expect.any(String), total: 12.5 } })
    const { payload, eventId } = await new Verifier({ secret: webhook.body['secret'] as string }).verify(await next())
    expect(eventId).toBe(order.body['eventId'])
    expect(payload).toMatchObject({ type: 'order.created', data: { orderId: order.body['orderId'], total: 12.5 } })
  })

  it('keeps tenants apart and strangers out', async () => {
    const { send } = await startSender('sender-express/server.ts')
    const { url, received } = await receiver()
    const { body } = await send('/api/webhooks', 'Bearer token-of-acme', { name: 'erp', url, events: ['*'] })
    expect((await send(`/api/webhooks/${String(body['id'])}/test`, 'Bearer token-of-globex')).status).toBe(404)
    expect((await send('/orders', 'Bearer token-of-globex', { total: 1 })).status).toBe(201)
    expect((await send('/orders', 'Bearer stranger', { total: 1 })).status).toBe(401)
    expect((await send('/api/webhooks', 'Bearer stranger', { name: 'x', url, events: ['*'] })).status).toBe(401)
    // What was dispatched for others is not on its way: a test, which comes after, is all that arrives.
    await send(`/api/webhooks/${String(body['id'])}/test`, 'Bearer token-of-acme')
    expect(received.map((request) => JSON.parse(request.body).type)).toEqual(['webhook.test'])
  })

  it('answers 422 to data that the catalogue refuses', async () => {
    const { send } = await startSender('sender-express/server.ts')
    const refused = await send('/orders', 'Bearer token-of-acme', { total: -1 })
    expect(refused).toMatchObject({ status: 422, body: { issues: [{ path: 'total' }] } })
  })

  it('ends by itself after SIGTERM', async () => {
    const { program } = await startSender('sender-express/server.ts')
    program.kill('SIGTERM')
    expect(await program.ended, program.output()).toBe(0)
  })
})

describe('examples/sender-hono', { timeout }, () => {
  it('delivers what is dispatched, once for one idempotency key', async () => {
    const { send, program } = await startSender('sender-hono/server.ts', { API_TOKEN: 'secret' })
    const { url, received, next } = await receiver()
    const webhook = await send('/api/webhooks', 'Bearer secret', { name: 'ci', url, events: ['execution.completed'] })
    expect(webhook.status).toBe(201)
    const key = { 'idempotency-key': 'once' }
    const first = await send('/executions/e1/complete', 'Bearer secret', undefined, key)
    const second = await send('/executions/e1/complete', 'Bearer secret', undefined, key)
    expect([first.body['status'], second.body['status']]).toEqual(['accepted', 'duplicate'])
    expect((await send('/executions/e2/complete', 'Bearer secret', undefined, key)).status).toBe(409)
    const { payload } = await new Verifier({ secret: webhook.body['secret'] as string }).verify(await next())
    expect(payload).toMatchObject({ id: first.body['eventId'], data: { executionId: 'e1' } })
    program.kill('SIGTERM')
    expect(await program.ended, program.output()).toBe(0)
    expect(received).toHaveLength(1)
  })

  it('lets in who has the token only, and does not start without one', async () => {
    const { send } = await startSender('sender-hono/server.ts', { API_TOKEN: 'secret' })
    expect((await send('/executions/e1/complete', 'Bearer other')).status).toBe(401)
    expect((await send('/api/webhooks', 'Bearer other')).status).toBe(401)
    const without = runExample('sender-hono/server.ts', { API_TOKEN: '' })
    expect(await without.ended).toBe(1)
    expect(without.output()).toContain('Set API_TOKEN')
  })
})

// They threw there whatever was set: no `encryption` was given.
describe.each(['sender-express', 'sender-hono'])('examples/%s in production', { timeout }, (sender) => {
  const script = `${sender}/server.ts`
  const production = { NODE_ENV: 'production', API_TOKEN: 'secret' }

  it('starts with a POSTHORN_KEY', async () => {
    const { program } = await startSender(script, { ...production, POSTHORN_KEY: randomBytes(32).toString('base64') })
    program.kill('SIGTERM')
    expect(await program.ended, program.output()).toBe(0)
  })

  it('does not start without one', async () => {
    const program = runExample(script, { ...production, PORT: '0', POSTHORN_DB: `${temporaryFolder()}/shop.db` })
    expect(await program.ended).toBe(1)
    expect(program.output()).toContain('needs { encryption } in production')
  })
})

async function startSender(script: string, env: Readonly<Record<string, string>> = {}) {
  const program = runExample(script, { PORT: '0', POSTHORN_DB: `${temporaryFolder()}/shop.db`, ...env })
  const origin = await program.printed(/Listening on (\S+)/)
  const send = async (path: string, authorization: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${origin}${path}`, {
      method: 'POST',
      headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    // bytes become types: the assertions look at what is in it
    return { status: response.status, body: (isJson ? JSON.parse(text) : {}) as Record<string, unknown> }
  }
  return { program, send }
}

async function receiver() {
  let arrive: (request: Received) => void
  const arrived = new Promise<Received>((resolve) => (arrive = resolve))
  const server = await startReceiver((request) => {
    arrive(request)
    return 204
  })
  onTestFinished(() => server[Symbol.asyncDispose]())
  return { url: server.url, received: server.received, next: () => arrived }
}
