import { type EventHandler, formEnvelope } from 'posthorn/receiver'
import { slack, twilio } from 'posthorn/schemes'
import { type Scheme, Signer, Verifier } from 'posthorn/verify'
import { describe, expect, it, vi } from 'vitest'
import { createTestReceiver, url } from './receiver-fixture.ts'

const secret = 'a-secret-as-text-0123456789'

async function received(scheme: Scheme, typeField: string, body: string | Uint8Array, types: readonly string[]) {
  const handler = vi.fn<EventHandler>()
  const { receiver, ...heard } = createTestReceiver({
    verifier: new Verifier({ secret, scheme }),
    readEnvelope: formEnvelope(typeField),
    on: Object.fromEntries(types.map((type) => [type, handler])),
  })
  const headers = await new Signer({ secret, scheme }).sign({ id: 'x', body, url })
  const sent = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await receiver.fetch(new Request(url, { method: 'POST', headers: sent, body: body as BodyInit }))
  return { status: answer.status, handler, ...heard }
}

describe('formEnvelope', () => {
  it('gives a handler the slash command of Slack', async () => {
    const body = 'command=%2Fdeploy&text=to+production&user_id=U1'
    const { status, handler } = await received(slack, 'command', body, ['/deploy'])
    expect(status).toBe(200)
    expect(handler.mock.calls[0]?.[0]).toMatchObject({
      type: '/deploy',
      data: { text: 'to production', user_id: 'U1' },
    })
  })

  it('gives a handler the message of Twilio', async () => {
    const scheme = twilio({ publicUrl: url })
    const { status, handler } = await received(scheme, 'SmsStatus', 'SmsStatus=received&Body=Hi', ['received'])
    expect([status, handler.mock.calls[0]?.[0].data]).toEqual([200, { SmsStatus: 'received', Body: 'Hi' }])
  })

  it('lists a name that comes more than once, and takes none of several for the type', async () => {
    const { handler, outcomes } = await received(slack, 'a', 'a=1&b=1&b=2&b=3', ['1'])
    expect(handler.mock.calls[0]?.[0].data).toEqual({ a: '1', b: ['1', '2', '3'] })
    expect(outcomes).toHaveLength(1)
    const twice = await received(slack, 'a', 'a=1&a=2', ['1', '2', '1,2'])
    expect([twice.status, twice.handler.mock.calls.length]).toEqual([200, 0])
  })

  it('takes names of the prototype for fields like any other', async () => {
    const { handler } = await received(slack, 'a', 'a=1&__proto__=x&toString=y', ['1'])
    const data = handler.mock.calls[0]?.[0].data as object // what formEnvelope gives
    expect(Object.entries(data)).toEqual([
      ['a', '1'],
      ['__proto__', 'x'],
      ['toString', 'y'],
    ])
    expect((await received(slack, 'toString', 'a=1', ['1'])).handler).not.toHaveBeenCalled()
  })

  it('answers 400 to bytes that are no UTF-8, and to more than a thousand fields', async () => {
    expect((await received(slack, 'a', new Uint8Array([0x61, 0x3d, 0xff]), [])).status).toBe(400)
    expect((await received(slack, 'a', Array.from({ length: 1000 }, () => 'a=1').join('&'), [])).status).toBe(200)
    expect((await received(slack, 'a', Array.from({ length: 1001 }, () => 'a=1').join('&'), [])).status).toBe(400)
  })

  it('refuses a field without a name', () => {
    expect(() => formEnvelope('')).toThrow('such as command')
  })
})
