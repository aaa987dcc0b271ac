import Fastify, { type FastifyInstance } from 'fastify'
import { toFastifyPlugin, toNodeHandler } from 'posthorn/receiver'
import { describe, expect, it, onTestFinished } from 'vitest'
import { countingReceiver, deliver, deliverWrong, refusals } from './bridge-fixture.ts'

async function listening(app: FastifyInstance): Promise<string> {
  onTestFinished(() => app.close())
  return await app.listen({ port: 0, host: '127.0.0.1' })
}

describe('toFastifyPlugin', () => {
  it('takes the raw body in a scope without parsers, and leaves those of the app alone', async () => {
    const { receiver, handler } = countingReceiver()
    const app = Fastify()
    void app.register(toFastifyPlugin(receiver, { path: '/webhooks' }))
    app.post('/orders', async (request) => request.body)
    const origin = await listening(app)
    const url = `${origin}/webhooks`
    expect([await deliver(url), await deliver(url)]).toEqual([200, 200])
    expect(handler).toHaveBeenCalledOnce()
    expect(await deliverWrong(url)).toEqual(refusals)
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }
    expect(await (await fetch(`${origin}/orders`, init)).json()).toEqual({ a: 1 })
  })

  it('takes the prefix of register, and answers what a handler answers', async () => {
    const { receiver, handler } = countingReceiver()
    handler.mockReturnValueOnce(Response.json({ text: 'Grüße' }, { status: 201, headers: { 'x-a': 'b' } }))
    const app = Fastify()
    void app.register(toFastifyPlugin(receiver), { prefix: '/hooks' })
    expect(await deliver(`${await listening(app)}/hooks`)).toBe(201)
  })

  it('answers 500 where a hook read the body, and names the line to change', async () => {
    const { receiver, errors } = countingReceiver()
    const app = Fastify()
    app.addHook('onRequest', async (request) => {
      for await (const _ of request.raw);
    })
    void app.register(toFastifyPlugin(receiver, { path: '/webhooks' }))
    expect(await deliver(`${await listening(app)}/webhooks`)).toBe(500)
    const message = expect.stringContaining('app.register(toFastifyPlugin(receiver))') as string
    expect(errors).toMatchObject([{ error: { code: 'RAW_BODY_REQUIRED', message } }])
  })

  it('answers 500 on a plain route, behind the parsers of the app', async () => {
    const { receiver, errors } = countingReceiver()
    const app = Fastify()
    app.post('/webhooks', async (request, reply) => {
      reply.hijack()
      await toNodeHandler(receiver)(request.raw, reply.raw)
    })
    expect(await deliver(`${await listening(app)}/webhooks`)).toBe(500)
    expect(errors).toMatchObject([{ error: { code: 'RAW_BODY_REQUIRED' } }])
  })
})
