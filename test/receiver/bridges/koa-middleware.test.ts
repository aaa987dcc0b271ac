import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import { toKoaMiddleware } from 'posthorn/receiver'
import { describe, expect, it } from 'vitest'
import { serve } from '../../http/servers.ts'
import { countingReceiver, deliver, deliverWrong, refusals } from './bridge-fixture.ts'

describe('toKoaMiddleware', () => {
  it.each([
    ['no parser', []],
    ['koa-bodyparser, which keeps rawBody', [bodyParser()]],
  ])('takes the raw body behind %s', async (_, before) => {
    const { receiver, handler } = countingReceiver()
    const app = new Koa()
    for (const middleware of before) app.use(middleware)
    app.use(toKoaMiddleware(receiver, { path: '/webhooks' }))
    app.use((context) => void (context.body = { path: context.path }))
    const origin = await serve((request, response) => void app.callback()(request, response))
    const url = `${origin}/webhooks`
    expect([await deliver(url), await deliver(url)]).toEqual([200, 200])
    expect(handler).toHaveBeenCalledOnce()
    expect(await deliverWrong(url)).toEqual(refusals)
    expect(await (await fetch(`${origin}/other`)).json()).toEqual({ path: '/other' })
  })

  it('answers every request that gets to it without a path', async () => {
    const { receiver } = countingReceiver()
    const app = new Koa().use(toKoaMiddleware(receiver))
    expect(await deliver(await serve((request, response) => void app.callback()(request, response)))).toBe(200)
  })

  it('answers 500 behind a parser that keeps nothing, and names the line to change', async () => {
    const { receiver, errors } = countingReceiver()
    const app = new Koa()
    app.use(async (context, next) => {
      for await (const _ of context.req);
      await next()
    })
    app.use(toKoaMiddleware(receiver))
    expect(await deliver(await serve((request, response) => void app.callback()(request, response)))).toBe(500)
    const message = expect.stringContaining('above app.use(bodyParser())') as string
    expect(errors).toMatchObject([{ error: { code: 'RAW_BODY_REQUIRED', message } }])
  })
})
