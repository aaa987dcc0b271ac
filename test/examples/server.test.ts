import { exec } from 'node:child_process'
import { promisify } from 'node:util'
import { sqliteStorage } from 'posthorn/sqlite'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { buildPackage } from '../support/built-package.ts'
import { runExample, temporaryFolder } from './program.ts'

const timeout = 60_000

// As the README has them, to the character.
const createCommand = `curl -X POST http://localhost:8000/api/v1/webhooks -H "Content-Type: application/json" -d '{"name": "test", "url": "https://example.com/hook", "events": ["execution.completed"]}'`
const testCommand = 'curl -X POST http://localhost:8000/api/v1/webhooks/{id}/test'
const dispatchCommand = `curl -X POST http://localhost:8000/dispatch/execution.completed -H "Content-Type: application/json" -d '{"executionId": "42", "durationMs": 1500}'`

beforeAll(buildPackage, timeout)

describe('npm start', { timeout }, () => {
  it('registers a webhook by curl, and tests it', async () => {
    const { port } = await startServer()
    const created = await curl(createCommand, port)
    expect(created).toMatchObject({
      name: 'test',
      url: 'https://example.com/hook',
      events: ['execution.completed'],
      isActive: true,
      secret: expect.stringMatching(/^whsec_/),
    })
    // Whether example.com can be reached from here, and what it answers, is not ours: that it was tried once is.
    const tested = await curl(testCommand.replace('{id}', String(created['id'])), port)
    expect(tested).toMatchObject({
      state: expect.stringMatching(/^(succeeded|failed)$/),
      attempt: { number: 1, durationMs: expect.any(Number) },
    })
  })

  it('delivers to its own receiver, which verifies both signatures', async () => {
    const { server, port } = await startServer()
    const { eventId } = await curl(dispatchCommand, port)
    const body = await server.printed(/receiver: verified execution\.completed \(standard-webhooks and ipa\): (.*)/)
    expect(JSON.parse(body)).toMatchObject({ id: eventId, data: { executionId: '42', durationMs: 1500 } })

    const { data } = await curl('curl http://localhost:8000/api/v1/webhooks', port)
    const [webhook] = data as { id: string }[]
    const tested = await curl(testCommand.replace('{id}', String(webhook?.id)), port)
    expect(tested).toMatchObject({ state: 'succeeded', attempt: { status: 204 } })
    await server.printed(/receiver: verified webhook\.test /)
  })

  it('follows a rotation of its own webhook', async () => {
    const { server, port } = await startServer()
    const { data } = await curl('curl http://localhost:8000/api/v1/webhooks', port)
    const [webhook] = data as { id: string }[]
    const path = `http://localhost:8000/api/v1/webhooks/${webhook?.id}/rotate-secret`
    const json = '-H "Content-Type: application/json"'
    await curl(`curl -X POST ${path} ${json} -d '{"overlapMs": 0}'`, port)
    const { eventId } = await curl(dispatchCommand, port)
    expect(await server.printed(/receiver: verified execution\.completed .*/)).toContain(String(eventId))
  })

  it('knows the six event types, and refuses others', async () => {
    const { port } = await startServer()
    const { data } = await curl('curl http://localhost:8000/api/v1/event-types', port)
    expect(data).toEqual(
      [
        'workflow.created',
        'workflow.updated',
        'execution.started',
        'execution.completed',
        'execution.failed',
        'checkpoint.pending',
      ].map((type) => ({ type })),
    )
    const dispatch = `http://127.0.0.1:${port}/dispatch`
    const answers = await Promise.all([
      fetch(`${dispatch}/execution.unknown`, { method: 'POST', body: '{}' }),
      fetch(`${dispatch}/execution.started`, { method: 'POST', body: '{"executionId": 1}' }),
      fetch(`${dispatch}/execution.started`, { method: 'POST', body: '{' }),
      fetch(`${dispatch}/execution.started`),
      fetch(`${dispatch}/`, { method: 'POST' }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([422, 422, 400, 405, 404])
    const issues = [{ path: 'type' }, { path: 'executionId' }, { path: 'workflowId' }]
    const bodies = [await answers[0].json(), await answers[1].json()]
    expect(bodies.flatMap((body: { issues: object[] }) => body.issues)).toMatchObject(issues)
  })

  it('keeps its webhooks over a restart and registers its own receiver once', async () => {
    const folder = temporaryFolder()
    const first = await startServer(folder)
    await curl(createCommand, first.port)
    first.server.kill('SIGTERM')
    await first.server.ended
    const second = await startServer(folder)
    const { data } = await curl('curl http://localhost:8000/api/v1/webhooks', second.port)
    expect((data as { name: string }[]).map(({ name }) => name)).toEqual(['test', 'local receiver'])
    await curl(dispatchCommand, second.port)
    await second.server.printed(/receiver: verified execution\.completed/)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('ends after %s and gives back what waits for a retry', async (signal) => {
    const folder = temporaryFolder()
    const { server, port } = await startServer(folder)
    const unreachable = 'http://127.0.0.1:1/hook'
    const { id } = await curl(createCommand.replace('https://example.com/hook', unreachable), port)
    await curl(dispatchCommand, port)
    const deliveries = async () =>
      await curl(`curl http://localhost:8000/api/v1/webhooks/${String(id)}/deliveries`, port)
    await vi.waitFor(async () => expect(await deliveries()).toMatchObject({ data: [{ attemptCount: 1 }] }), 10_000)
    server.kill(signal)
    expect(await server.ended, server.output()).toBe(0)
    expect(server.output()).toContain(`${signal}: finishing what is under way.`)

    const storage = sqliteStorage(`${folder}/example.db`)
    onTestFinished(() => storage.close())
    expect(await storage.stats({ webhookId: String(id) })).toMatchObject({ waiting: 1, leased: 0 })
  })

  it('says so where its port is taken', async () => {
    const { port } = await startServer()
    const env = { PORT: port, RECEIVER_PORT: '0', POSTHORN_DB: `${temporaryFolder()}/other.db` }
    const second = runExample('server/server.ts', env)
    expect(await second.ended).toBe(1)
    expect(second.output()).toContain(`Port ${port} cannot be listened on`)
  })
})

async function startServer(folder = temporaryFolder()) {
  const env = { PORT: '0', RECEIVER_PORT: '0', POSTHORN_DB: `${folder}/example.db` }
  const server = runExample('server/server.ts', env)
  const port = await server.printed(/listens on http:\/\/127\.0\.0\.1:(\d+)\/api\/v1/)
  return { server, port }
}

/** Runs a command in a shell, with nothing but the port replaced. */
async function curl(command: string, port: string): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(exec)(command.replace('localhost:8000', `localhost:${port}`), { timeout: 30_000 })
  return JSON.parse(stdout) as Record<string, unknown> // bytes become types: the assertions look at what is in it
}
