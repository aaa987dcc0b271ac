import { generateSecret, Signer } from 'posthorn/verify'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { POST } from '../../examples/receiver-next/route.ts'
import { buildPackage } from '../support/built-package.ts'
import { runExample } from './program.ts'

const timeout = 60_000
const secret = generateSecret()
const completed = JSON.stringify({ type: 'execution.completed', data: { executionId: 'e1' } })

describe('examples/receiver-express', { timeout }, () => {
  beforeAll(buildPackage, timeout)

  it('does the work of a verified event once, and ends by itself after SIGTERM', async () => {
    const program = runExample('receiver-express/server.ts', { PORT: '0', WEBHOOK_SECRET: secret })
    const url = `${await program.printed(/Listening on (\S+)/)}/webhooks`
    const statuses = []
    for (const id of ['msg_1', 'msg_1', 'msg_2']) {
      statuses.push((await fetch(await signedRequest(url, completed, { id }))).status)
    }
    expect(statuses).toEqual([204, 204, 204])
    program.kill('SIGTERM')
    expect(await program.ended, program.output()).toBe(0)
    expect(program.output().match(/^msg_\d .*$/gm)).toEqual([`msg_1 ${completed}`, `msg_2 ${completed}`])
  })

  it('refuses what is not signed with its secret, changed or unsigned', async () => {
    const program = runExample('receiver-express/server.ts', { PORT: '0', WEBHOOK_SECRET: secret })
    const url = `${await program.printed(/Listening on (\S+)/)}/webhooks`
    const { headers } = await signedRequest(url, completed)
    const changed = new Request(url, { method: 'POST', headers, body: completed.replace('e1', 'e2') })
    const refused = [
      await fetch(await signedRequest(url, completed, { secret: generateSecret() })),
      await fetch(changed),
      await fetch(url, { method: 'POST', body: completed }),
    ]
    expect(refused.map(({ status }) => status)).toEqual([400, 400, 400])
    expect(await Promise.all(refused.map((response) => response.json()))).toEqual([
      { error: 'SIGNATURE_MISMATCH' },
      { error: 'SIGNATURE_MISMATCH' },
      { error: 'HEADER_MISSING' },
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

  it('answers 204 to a verified event and reads its data', async () => {
    const failed = JSON.stringify({ type: 'execution.failed', data: { executionId: 'e2', error: 'no disk' } })
    expect((await POST(await signedRequest(url, completed, { id: 'msg_1' }))).status).toBe(204)
    expect((await POST(await signedRequest(url, failed, { id: 'msg_2' }))).status).toBe(204)
    expect(vi.mocked(console.log).mock.calls).toEqual([
      ['msg_1', 'e1 completed'],
      ['msg_2', 'e2 failed: no disk'],
    ])
  })

  it('answers 204 to an event type that it does not know', async () => {
    expect((await POST(await signedRequest(url, '{"type":"execution.paused"}'))).status).toBe(204)
    expect(console.log).not.toHaveBeenCalled()
  })

  it('answers 400 to a wrong signature, an old one, and no JSON', async () => {
    const answers = [
      await POST(await signedRequest(url, completed, { secret: generateSecret() })),
      await POST(await signedRequest(url, completed, { at: new Date(Date.now() - 400_000) })),
      await POST(await signedRequest(url, '{')),
    ]
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400])
    expect(await Promise.all(answers.map((answer) => answer.json()))).toEqual([
      { error: 'SIGNATURE_MISMATCH' },
      { error: 'TIMESTAMP_TOO_OLD' },
      { error: 'PAYLOAD_INVALID' },
    ])
    expect(console.log).not.toHaveBeenCalled()
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
