import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { generateSecret, Signer } from 'posthorn/verify'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { POST } from '../../examples/receiver-next/route.ts'
import { connectRedis, newPrefix } from '../receiver/idempotency/redis-server.ts'
import { httpEvent } from '../receiver/bridges/lambda-events.ts'
import { buildPackage } from '../support/built-package.ts'
import { runExample, temporaryFolder } from './program.ts'

const timeout = 60_000
const secret = generateSecret()
const completed = JSON.stringify({ type: 'execution.completed', data: { executionId: 'e1', durationMs: 5 } })

describe('examples/receiver-express', { timeout }, () => {
  beforeAll(buildPackage, timeout)

  it('does the work of a verified event once, also after a restart, and ends by itself after SIGTERM', async () => {
    const env = { PORT: '0', WEBHOOK_SECRET: secret, DATABASE: join(temporaryFolder(), 'received.db') }
    const statuses = []
    const lines = []
    for (const ids of [
      ['msg_1', 'msg_1', 'msg_2'],
      ['msg_1', 'msg_3'],
    ]) {
      const program = runExample('receiver-express/server.ts', env)
      const url = `${await program.printed(/Listening on (\S+)/)}/webhooks`
      for (const id of ids) statuses.push((await fetch(await signedRequest(url, completed, { id }))).status)
      program.kill('SIGTERM')
      expect(await program.ended, program.output()).toBe(0)
      lines.push(...(program.output().match(/^msg_\d .*$/gm) ?? []))
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200])
    expect(lines).toEqual(['msg_1 e1 took 5 ms', 'msg_2 e1 took 5 ms', 'msg_3 e1 took 5 ms'])
  })

  it('refuses what is not signed with its secret, changed or unsigned, and tells the sender nothing', async () => {
    const program = runExample('receiver-express/server.ts', { PORT: '0', WEBHOOK_SECRET: secret })
    const url = `${await program.printed(/Listening on (\S+)/)}/webhooks`
    const { headers } = await signedRequest(url, completed)
    const changed = new Request(url, { method: 'POST', headers, body: completed.replace('e1', 'e2') })
    const refused = [
      await fetch(await signedRequest(url, completed, { secret: generateSecret() })),
      await fetch(changed),
      await fetch(url, { method: 'POST', body: completed }),
    ]
    expect(refused.map(({ status }) => status)).toEqual([401, 401, 401])
    for (const response of refused) expect(await response.json()).toEqual({ error: 'unauthorized' })
    expect(program.output().match(/answered 401: .*$/gm)).toEqual([
      'answered 401: SIGNATURE_MISMATCH',
      'answered 401: SIGNATURE_MISMATCH',
      'answered 401: HEADER_MISSING',
    ])
    expect(program.output()).not.toContain('e1')
  })

  it('does not start without a secret', async () => {
    const program = runExample('receiver-express/server.ts', { PORT: '0', WEBHOOK_SECRET: '' })
    expect(await program.ended).toBe(1)
  })
})

describe('examples/receiver-next', () => {
  const url = 'https://app.example/api/webhooks'

  beforeEach(() => {
    vi.stubEnv('WEBHOOK_SECRET', secret)
    vi.spyOn(console, 'log').mockImplementation(() => {})
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })

  it('answers 200 to a verified event, reads its data, and does so once', async () => {
    const failed = JSON.stringify({ type: 'execution.failed', data: { executionId: 'e2', error: 'no disk' } })
    expect((await POST(await signedRequest(url, completed, { id: 'msg_1' }))).status).toBe(200)
    expect((await POST(await signedRequest(url, failed, { id: 'msg_2' }))).status).toBe(200)
    expect((await POST(await signedRequest(url, failed, { id: 'msg_2' }))).status).toBe(200)
    expect(vi.mocked(console.log).mock.calls).toEqual([
      ['msg_1', 'e1 completed'],
      ['msg_2', 'e2 failed: no disk'],
    ])
  })

  it('answers 200 to an event type that it does not know', async () => {
    expect((await POST(await signedRequest(url, '{"type":"execution.paused"}', { id: 'msg_3' }))).status).toBe(200)
    expect(console.log).not.toHaveBeenCalled()
  })

  it('answers 401 to a wrong signature and an old one, 400 to no JSON, 422 to data that does not fit', async () => {
    const answers = [
      await POST(await signedRequest(url, completed, { secret: generateSecret() })),
      await POST(await signedRequest(url, completed, { at: new Date(Date.now() - 400_000) })),
      await POST(await signedRequest(url, '{')),
      await POST(await signedRequest(url, '{"type":"execution.completed","data":{}}')),
    ]
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 400, 422])
    expect(console.log).not.toHaveBeenCalled()
  })
})

describe('examples/receiver-hono', { timeout }, () => {
  beforeAll(buildPackage, timeout)

  it('answers before the work is done, and takes up after a restart what failed', async () => {
    const env = { PORT: '0', WEBHOOK_SECRET: secret, DATABASE: join(temporaryFolder(), 'received.db') }
    const failing = runExample('receiver-hono/server.ts', { ...env, FAIL: 'e1' })
    const url = `${await failing.printed(/Listening on (\S+)/)}/webhooks`
    expect((await fetch(await signedRequest(url, completed))).status).toBe(200)
    await failing.printed(/msg_1 handler: Error: e1 cannot be worked on today/)
    failing.kill('SIGTERM')
    expect(await failing.ended, failing.output()).toBe(0)

    const program = runExample('receiver-hono/server.ts', env)
    await program.printed(/msg_1 e1 completed \(attempt 2\)\nrecovered 1, failed again 0/)
    const again = `${await program.printed(/Listening on (\S+)/)}/webhooks`
    expect((await fetch(await signedRequest(again, completed))).status).toBe(200)
    program.kill('SIGTERM')
    expect(await program.ended, program.output()).toBe(0)
    expect(program.output().match(/completed/g)).toHaveLength(1)
  })
})

describe('examples/receiver-fastify', { timeout }, () => {
  beforeAll(buildPackage, timeout)

  it("works on GitHub's events, answers its ping, and keeps the parsers of the app", async () => {
    const program = runExample('receiver-fastify/server.ts', {
      PORT: '0',
      GITHUB_SECRET: 'It is a secret to everybody',
    })
    const origin = await program.printed(/Listening on (\S+)/)
    const deliver = async (event: string, body: string, key = 'It is a secret to everybody') => {
      const signature = `sha256=${createHmac('sha256', key).update(body).digest('hex')}`
      const headers = { 'x-github-event': event, 'x-github-delivery': event, 'x-hub-signature-256': signature }
      return (await fetch(`${origin}/webhooks`, { method: 'POST', headers, body })).status
    }
    const push = JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'a/b' } })
    const statuses = [await deliver('ping', '{"zen":"x"}'), await deliver('push', push), await deliver('push', push)]
    statuses.push(await deliver('star', '{}'), await deliver('issues', '{}', 'wrong'), await deliver('issues', '{}'))
    expect(statuses).toEqual([204, 200, 200, 200, 401, 422])
    const headers = { 'content-type': 'application/json' }
    const order = await fetch(`${origin}/orders`, { method: 'POST', headers, body: '{"a":1}' })
    expect(await order.json()).toEqual({ received: { a: 1 } })
    program.kill('SIGTERM')
    expect(await program.ended, program.output()).toBe(0)
    expect(program.output().split('\n').slice(1, -1)).toEqual(['push to a/b refs/heads/main', 'left alone: star'])
  })
})

describe('examples/receiver-lambda', async () => {
  const redis = await connectRedis()

  it.skipIf(redis === null)('works on an event once, over all instances that share a Redis', async () => {
    const prefix = newPrefix()
    vi.stubEnv('WEBHOOK_SECRET', secret)
    vi.stubEnv('REDIS_PREFIX', prefix)
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    const body = JSON.stringify({ type: 'checkpoint.pending', data: { executionId: 'e1', checkpoint: 'c1' } })
    const headers = Object.fromEntries((await signedRequest('https://x.example', body)).headers)
    const statuses = []
    for (let instance = 0; instance < 2; instance++) {
      vi.resetModules()
      const { handler, close } = await import('../../examples/receiver-lambda/handler.ts')
      statuses.push((await handler(httpEvent(headers, body))).statusCode)
      statuses.push((await handler(httpEvent({}, body))).statusCode)
      close()
    }
    expect(statuses).toEqual([200, 401, 200, 401])
    expect(log.mock.calls).toEqual([['msg_1 e1 waits at c1']])
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
    const keys = await redis!.keys(`${prefix}*`)
    await redis!.del(...keys)
    redis!.disconnect()
  })
})

async function signedRequest(
  url: string,
  body: string,
  options: { readonly id?: string; readonly secret?: string; readonly at?: Date } = {},
): Promise<Request> {
  const { id = 'msg_1', at = new Date() } = options
  const headers = await new Signer({ secret: options.secret ?? secret }).sign({ id, timestamp: at, body })
  return new Request(url, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body })
}
