import { Controller, Module, Post, Req, Res } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Request, Response } from 'express'
import { type Receiver, toNestHandler } from 'posthorn/receiver'
import { describe, expect, it, onTestFinished } from 'vitest'
import { countingReceiver, deliver } from './bridge-fixture.ts'

// What the decorators of a controller do, written out: `erasableSyntaxOnly` has none.
function moduleWith(receiver: Receiver): new () => object {
  const handler = toNestHandler(receiver)
  class WebhookController {
    receive(request: Request, response: Response) {
      return handler(request, response)
    }
  }
  Controller('webhooks')(WebhookController)
  const descriptor = Object.getOwnPropertyDescriptor(WebhookController.prototype, 'receive')!
  Post()(WebhookController.prototype, 'receive', descriptor)
  Req()(WebhookController.prototype, 'receive', 0)
  Res()(WebhookController.prototype, 'receive', 1)
  class AppModule {
    readonly name = 'app'
  }
  Module({ controllers: [WebhookController] })(AppModule)
  return AppModule
}

async function listening(receiver: Receiver, options: object): Promise<string> {
  const app = await NestFactory.create(moduleWith(receiver), { logger: false, ...options })
  onTestFinished(() => app.close())
  await app.listen(0, '127.0.0.1')
  return `${await app.getUrl()}/webhooks`
}

describe('toNestHandler', () => {
  it.each([
    ['rawBody: true', { rawBody: true }],
    ['bodyParser: false', { bodyParser: false }],
  ])('takes the raw body with %s', async (_, options) => {
    const { receiver, handler } = countingReceiver()
    const url = await listening(receiver, options)
    expect([await deliver(url), await deliver(url)]).toEqual([200, 200])
    expect(handler).toHaveBeenCalledOnce()
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(401)
  })

  it('answers 500 without, and names the line to change', async () => {
    const { receiver, errors } = countingReceiver()
    expect(await deliver(await listening(receiver, {}))).toBe(500)
    const message = expect.stringContaining('NestFactory.create(AppModule, { rawBody: true })') as string
    expect(errors).toMatchObject([{ error: { code: 'RAW_BODY_REQUIRED', message } }])
  })
})
