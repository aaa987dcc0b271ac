import { lookup } from 'node:dns/promises'
import { hostname } from 'node:os'
import { EventDispatcher, memoryStorage, WebhookRegistry, type AddressOptions } from 'posthorn'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createNameResolver } from '../../../src/delivery/guard/name-resolver.ts'
import { startNameServer, type NameAnswer } from '../../support/name-server.ts'
import { startReceiver } from '../../support/receiver.ts'

async function resolverOver(answer: (name: string, nth: number) => NameAnswer, timeoutMs = 2_000) {
  const names = await startNameServer(answer)
  const resolver = createNameResolver({ servers: [names.server] }, timeoutMs)
  onTestFinished(async () => {
    resolver.close()
    await names[Symbol.asyncDispose]()
  })
  return { resolver, names }
}

describe('createNameResolver', () => {
  it('asks for both families', async () => {
    const { resolver } = await resolverOver(() => ['192.0.2.1', '2001:db8::1', '192.0.2.2'])
    expect(await resolver.resolve('a.example.com')).toEqual(['192.0.2.1', '192.0.2.2', '2001:db8::1'])
  })

  it('asks each time', async () => {
    const { resolver } = await resolverOver((_, nth) => [`192.0.2.${nth}`])
    expect(await resolver.resolve('a.example.com')).toEqual(['192.0.2.1'])
    expect(await resolver.resolve('a.example.com')).toEqual(['192.0.2.2'])
  })

  it('finds no address where there is none, and fails where there is no name', async () => {
    const { resolver } = await resolverOver((name) => (name.startsWith('empty') ? [] : 'missing'))
    expect(await resolver.resolve('empty.example.com')).toEqual([])
    await expect(resolver.resolve('none.example.com')).rejects.toMatchObject({ code: 'NAME_NOT_RESOLVED' })
  })

  it('gives up in time', async () => {
    const { resolver } = await resolverOver(() => 'silence', 100)
    const started = performance.now()
    await expect(resolver.resolve('a.example.com')).rejects.toMatchObject({ code: 'NAME_NOT_RESOLVED' })
    expect(performance.now() - started).toBeLessThan(1_000)
  })

  it('never asks for names of this machine', async () => {
    const { resolver, names } = await resolverOver(() => ['192.0.2.1'])
    expect(await resolver.resolve('localhost')).toEqual(['127.0.0.1', '::1'])
    expect(await resolver.resolve('app.localhost.')).toEqual(['127.0.0.1', '::1'])
    expect(names.asked.size).toBe(0)
  })

  it('asks the operating system where told so', async () => {
    const system = await lookup(hostname(), { all: true }).catch(() => [])
    const answer = await createNameResolver('system', 5_000)
      .resolve(hostname())
      .catch(() => []) // of a machine that does not know its own name
    expect(answer).toEqual(system.map(({ address }) => address))
  })

  it('asks the function that it was given, and survives what that throws', async () => {
    expect(await createNameResolver(async (name) => [name], 1_000).resolve('a.b')).toEqual(['a.b'])
    const thrown = () => {
      throw new Error('no')
    }
    await expect(createNameResolver(thrown, 1_000).resolve('a.b')).rejects.toMatchObject({ code: 'NAME_NOT_RESOLVED' })
  })
})

// 192.0.2.1 (RFC 5737) is nobody's: what is sent there is lost, or refused by the network.
const answers = [
  ['silent', 'silence'],
  ['dead', ['192.0.2.1']],
  ['healthy', ['127.0.0.1']],
] as const

describe('webhooks with silent name servers, and with dead addresses', () => {
  it('do not delay the others', async () => {
    await using receiver = await startReceiver()
    const port = new URL(receiver.url).port
    await using names = await startNameServer(
      (name) => answers.find(([start]) => name.startsWith(start))?.[1] ?? 'missing',
    )
    const addresses: AddressOptions = {
      allow: ['127.0.0.1', '192.0.2.1'],
      allowHttp: true,
      resolver: { servers: [names.server] },
      resolveTimeoutMs: 60_000,
    }
    const registry = new WebhookRegistry({ storage: memoryStorage(), addresses })
    const dispatcher = new EventDispatcher({
      registry,
      retry: { retries: 0 },
      connectTimeoutMs: 60_000,
      timeoutMs: 60_000,
    })
    onTestFinished(() => dispatcher.stop({ timeoutMs: 0 }))
    const create = async (host: string) =>
      await registry.create({ name: host, url: `http://${host}:${port}/hook`, events: ['*'] })
    for (let n = 0; n < 20; n++) await create(`silent${n}.example.com`)
    for (let n = 0; n < 20; n++) await create(`dead${n}.example.com`)
    for (let n = 0; n < 20; n++) await create(`healthy${n}.example.com`)
    await dispatcher.start()
    const started = performance.now()
    await dispatcher.dispatch('a.b', {})
    await vi.waitFor(() => expect(receiver.received).toHaveLength(20), 5_000)
    expect(performance.now() - started).toBeLessThan(5_000)
    const { data } = await dispatcher.listDeliveries({ state: 'pending', limit: 100 })
    expect(data.length).toBeGreaterThanOrEqual(20)
  })
})
