import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import fc from 'fast-check'
import {
  EventDispatcher,
  generateSecret,
  ipaScheme,
  keyring,
  standardWebhooks,
  WebhookRegistry,
  type LifecycleEvents,
} from 'posthorn'
import { createWebhookApi } from 'posthorn/http'
import { sqliteStorage } from 'posthorn/sqlite'
import { describe, expect, it, vi } from 'vitest'
import { tempFile } from '../storage/sqlite/temp-file.ts'
import { leaks, needlesOf } from './needles.ts'

const lifecycle: readonly (keyof LifecycleEvents)[] = [
  'delivery.attempted',
  'delivery.succeeded',
  'delivery.failed',
  'delivery.cancelled',
  'delivery.lost',
  'webhook.disabled',
  'worker.error',
]

/** A receiver that keeps every byte it gets, and answers with a status and an echo of the request, or not at all. */
async function startWire(statuses: readonly number[]) {
  const chunks: Buffer[] = []
  let requests = 0
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      const status = statuses[requests++ % statuses.length] ?? 204
      if (status === 0) return socket.destroy()
      const echo = status === 204 ? '' : chunk.toString('latin1').replaceAll(/[^\n -~]/g, '')
      socket.end(
        `HTTP/1.1 ${status} x\r\nx-echo: 1\r\ncontent-length: ${Buffer.byteLength(echo)}\r\nconnection: close\r\n\r\n${echo}`,
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, // a TCP server has an AddressInfo
    bytes: () => Buffer.concat(chunks),
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

/** Keeps what is printed while it is open. */
function captureOutput() {
  const lines: string[] = []
  const methods = ['log', 'info', 'warn', 'error', 'debug'] as const
  const spies = methods.map((name) =>
    vi.spyOn(console, name).mockImplementation((...args) => void lines.push(inspect(args, deep))),
  )
  const warned = vi
    .spyOn(process, 'emitWarning')
    .mockImplementation((warning) => void lines.push(inspect(warning, deep)))
  return {
    text: () => lines.join('\n'),
    end: () => [...spies, warned].forEach((spy) => spy.mockRestore()),
  }
}

const deep = { depth: 12, showHidden: true, getters: true, maxStringLength: null, maxArrayLength: null } as const

const tail = fc.string({ unit: fc.constantFrom(...'aZ09 "\\%+/=~'.split('')), maxLength: 12 })
const headerValue = tail.map((text) => `${randomBytes(9).toString('hex')}${text}x`)
const configuration = fc.record({
  keys: fc.integer({ min: 1, max: 3 }),
  schemes: fc.constantFrom([standardWebhooks], [ipaScheme], [standardWebhooks, ipaScheme]),
  statuses: fc.array(fc.constantFrom(204, 500, 400, 410, 0), { minLength: 1, maxLength: 3 }),
  headers: fc.dictionary(fc.constantFrom('authorization', 'X-Api-Key', 'x-other'), headerValue),
  steps: fc.array(
    fc.constantFrom('dispatch', 'test', 'rotate', 'headers', 'replace', 'invalid', 'damage', 'resend', 'reseal'),
    {
      minLength: 3,
      maxLength: 8,
    },
  ),
})
type Configuration = typeof configuration extends fc.Arbitrary<infer Value> ? Value : never

/** Runs one configuration and gives all places where nothing may be found, the wire apart. */
async function run({ keys, schemes, statuses, headers, steps }: Configuration) {
  const file = tempFile()
  const output = captureOutput()
  const wire = await startWire(statuses)
  const secrets: string[] = []
  const values = Object.values(headers)
  const seen: string[] = []
  const see = (thing: unknown) => void seen.push(inspect(thing, deep), safeJson(thing))
  const ring = keyring(Object.fromEntries(Array.from({ length: keys }, (_, n) => [`k${n}`, randomBytes(32)])))
  const storage = sqliteStorage(file)
  const registry = new WebhookRegistry({ storage, encryption: ring })
  const dispatcher = new EventDispatcher({
    registry,
    schemes,
    retry: { retries: 1, minTimeout: 1, maxTimeout: 1 },
    timeoutMs: 2_000,
  })
  for (const name of lifecycle) dispatcher.on(name, see)
  const api = createWebhookApi({ registry, dispatcher, authorize: 'none', onError: see })
  try {
    const call = async (method: string, path: string, body?: unknown) => {
      const init =
        body === undefined
          ? { method }
          : { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
      const response = await api(new Request(`http://localhost${path}`, init))
      const { secret, ...answer } = (response.status === 204 ? {} : await response.json()) as {
        secret?: string
        id?: string
      }
      if (secret !== undefined) secrets.push(secret)
      see({ answer, headers: [...response.headers] })
      return answer
    }
    const given = generateSecret()
    secrets.push(given)
    const input = { name: 'a', url: wire.url, events: ['*'] }
    const { id = '' } = await call('POST', '/webhooks', { ...input, secret: given, headers })
    see([registry, dispatcher, api, ring, storage])
    for (const step of steps) {
      if (step === 'dispatch') await dispatcher.dispatch('a.b', { n: 1 })
      if (step === 'test') await call('POST', `/webhooks/${id}/test`)
      if (step === 'rotate') await call('POST', `/webhooks/${id}/rotate-secret`, {})
      if (step === 'headers') {
        values.push(`${randomBytes(12).toString('hex')} "\\`)
        await call('PATCH', `/webhooks/${id}`, { headers: { 'x-new': values.at(-1) } })
      }
      if (step === 'replace') await call('PUT', `/webhooks/${id}`, { ...input, headers: { 'x-new': '[redacted]' } })
      if (step === 'reseal') await registry.reseal()
      if (step === 'invalid') {
        const bad = `${generateSecret()}!`
        const badValue = `${randomBytes(12).toString('hex')}\r\nü`
        secrets.push(bad, badValue)
        await call('POST', '/webhooks', { ...input, secret: bad, headers: { 'x-a': badValue, host: badValue } })
        await call('POST', `/webhooks/${id}/rotate-secret`, { secret: bad })
        await call('POST', `/webhooks/${id}/rotate-secret`, { secret: [bad] })
        await registry.create({ ...input, secret: bad }).catch(see)
        await registry.rotateSecret(id, { secret: bad }).catch(see)
      }
      if (step === 'damage') {
        const { id: damaged, secret } = await registry.create({ ...input, headers })
        secrets.push(secret)
        const { sealed } = (await storage.getWebhook(damaged, 'default'))!
        await storage.updateWebhook(damaged, 'default', { sealed: sealed.replace(/.{8}"/, 'AAAAAAAA"') })
        await registry.revealSecret(damaged).catch(see)
      }
      if (step === 'resend') {
        for (const delivery of (await dispatcher.listDeliveries({ limit: 3 })).data)
          await call('POST', `/deliveries/${delivery.id}/resend`)
      }
      await dispatcher.drain()
    }
    await call('GET', '/webhooks')
    await call('GET', `/webhooks/${id}`)
    await call('GET', `/webhooks/${id}/deliveries`)
    for (const delivery of (await dispatcher.listDeliveries()).data) await call('GET', `/deliveries/${delivery.id}`)
    await dispatcher.stop()
    const open = databaseOf(file)
    await storage.close()
    const places = new Map([
      ['answers, errors and lifecycle events', Buffer.from(seen.join('\n'))],
      ['output', Buffer.from(output.text())],
      ...open,
      ...databaseOf(file),
    ])
    return { secrets, values, places, wire: wire.bytes(), isWritten: open.some(([, bytes]) => bytes.includes(id)) }
  } finally {
    output.end()
    await dispatcher.stop({ timeoutMs: 0 })
    await wire.close()
  }
}

function databaseOf(file: string): [string, Buffer][] {
  const files = [file, `${file}-wal`, `${file}-shm`].filter((path) => existsSync(path))
  return files.map((path) => [path.slice(path.lastIndexOf('.')), readFileSync(path)])
}

function safeJson(thing: unknown): string {
  try {
    return JSON.stringify(thing) ?? ''
  } catch {
    return ''
  }
}

// Node 20 has no node:sqlite.
const hasSqlite = process.getBuiltinModule('node:sqlite') !== undefined

describe.skipIf(!hasSqlite)('a secret', () => {
  it('is nowhere but in the answer that shows it, whatever is configured and done', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(configuration, async (configured) => {
        const { secrets, values, places, wire, isWritten } = await run(configured)
        expect(isWritten).toBe(true)
        expect(leaks([...secrets, ...values], places)).toEqual([])
        expect(leaks(secrets, new Map([['wire', wire]]))).toEqual([])
      }),
      { numRuns: 12 },
    )
  })

  it('would be found in any of its forms', () => {
    const secret = generateSecret()
    const value = 'a "quoted" value'
    const bytes = Buffer.from(secret.slice(6), 'base64')
    const forms = [bytes, secret, bytes.toString('hex'), bytes.toString('base64url'), encodeURIComponent(secret)]
    for (const form of forms) expect(leaks([secret], new Map([['here', Buffer.from(form)]]))).toHaveLength(1)
    expect(leaks([value], new Map([['here', Buffer.from(JSON.stringify({ value }))]]))).toHaveLength(1)
    expect(leaks([value], new Map([['here', Buffer.from(JSON.stringify(JSON.stringify({ value })))]]))).toHaveLength(1)
    expect(needlesOf(value).every((needle) => needle.length >= value.length)).toBe(true)
  })
})
