import { once } from 'node:events'
import type { LookupFunction } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Agent, buildConnector, request } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import { guardedConnector, type ConnectorSettings } from '../../../src/delivery/guard/guarded-connector.ts'
import { guardedLookup } from '../../../src/delivery/guard/guarded-lookup.ts'
import { createNameResolver } from '../../../src/delivery/guard/name-resolver.ts'
import { errorCodeOf } from '../../../src/delivery/network-error.ts'
import { AddressPolicy } from '../../../src/registry/address-policy/address-policy.ts'
import { startForbiddenListener } from '../../support/forbidden-listener.ts'
import { certificate } from '../../support/misbehaving/broken-tls.ts'
import { openedSockets } from '../../support/opened-sockets.ts'
import { startReceiver } from '../../support/receiver.ts'

const policy = new AddressPolicy()
const toLoopback: LookupFunction = (_, options, callback) =>
  options.all === true ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4)

function agent(build: (settings: ConnectorSettings) => ReturnType<typeof buildConnector>, addresses = policy) {
  const resolver = createNameResolver(async () => ['127.0.0.1'], 1_000)
  const made = new Agent({ connect: guardedConnector(build, { policy: addresses, resolver, connectTimeoutMs: 2_000 }) })
  onTestFinished(() => made.destroy())
  return async (url: string) => {
    try {
      const { statusCode } = await request(url, { dispatcher: made, method: 'POST', body: '{}' })
      return statusCode
    } catch (error) {
      return errorCodeOf(error)
    }
  }
}

// A lookup that nobody filters: as if Node had not asked ours.
const unfiltered = (settings: ConnectorSettings) => buildConnector({ ...settings, lookup: toLoopback })

describe('guardedConnector', () => {
  it.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]'])(
    'opens no socket to %s, for which nothing is looked up',
    async (host) => {
      await using forbidden = await startForbiddenListener()
      using opened = openedSockets()
      for (const scheme of ['http', 'https']) {
        expect(await agent(buildConnector)(`${scheme}://${host}:${forbidden.port}/`)).toBe('blocked')
      }
      expect(opened.sockets).toHaveLength(0)
      expect(forbidden.reached.connections).toBe(0)
    },
  )

  it('opens no socket to a name that resolves to this machine', async () => {
    await using forbidden = await startForbiddenListener()
    expect(await agent(buildConnector)(`http://public.example.com:${forbidden.port}/`)).toBe('blocked')
    expect(forbidden.reached.connections).toBe(0)
  })

  it.each(['http', 'https'])(
    'says nothing to an address that a socket has reached all the same, by %s',
    async (scheme) => {
      await using forbidden = await startForbiddenListener()
      expect(await agent(unfiltered)(`${scheme}://public.example.com:${forbidden.port}/`)).toBe('blocked')
      await new Promise((resolve) => setTimeout(resolve, 50)) // for bytes that would be under way
      expect(forbidden.reached.bytes).toBe(0)
    },
  )

  it('judges the address again where a connector does not show its socket before it is open', async () => {
    await using receiver = await startReceiver()
    const silent = (settings: ConnectorSettings) => {
      const open = unfiltered(settings)
      return (...given: Parameters<typeof open>) => {
        open(...given)
      }
    }
    expect(await agent(silent)(receiver.url.replace('127.0.0.1', 'public.example.com'))).toBe('blocked')
    expect(receiver.received).toHaveLength(0)
  })

  it('lets through what is allowed', async () => {
    await using receiver = await startReceiver()
    const allowed = new AddressPolicy({ allow: ['127.0.0.0/8'], allowHttp: true })
    expect(await agent(buildConnector, allowed)(receiver.url)).toBe(204)
    expect(await agent(buildConnector, allowed)(receiver.url.replace('127.0.0.1', 'public.example.com'))).toBe(204)
  })

  it('trusts no certificate that does not verify', async () => {
    const server = createTlsServer(certificate('self-signed')).listen(0, '127.0.0.1')
    server.on('tlsClientError', () => {}) // the sender refuses us, as it should
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number } // a TCP server has an AddressInfo
    const allowed = new AddressPolicy({ allow: ['receiver.example.com'] })
    expect(await agent(buildConnector, allowed)(`https://receiver.example.com:${port}/`)).toBe('tls')
  })
})

describe('guardedLookup', () => {
  const lookup = (addresses: readonly string[], all: boolean) =>
    new Promise((resolve, reject) =>
      guardedLookup(
        policy,
        createNameResolver(async () => addresses, 1_000),
      )('a.example.com', { all }, (error, ...found) => (error === null ? resolve(found) : reject(error))),
    )

  it('gives out the addresses that are allowed, and no others', async () => {
    const mixed = ['10.0.0.1', '8.8.8.8', '::1', '2606:4700::1111', '169.254.169.254']
    const permitted = [
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ]
    expect(await lookup(mixed, true)).toEqual([permitted])
    expect(await lookup(mixed, false)).toEqual(['8.8.8.8', 4])
  })

  it('fails where none is, with what was found for the operator', async () => {
    await expect(lookup(['10.0.0.1'], true)).rejects.toMatchObject({
      code: 'ADDRESS_BLOCKED',
      block: { code: 'ip', reason: 'a.example.com → 10.0.0.1 is in 10.0.0.0/8: private (RFC 1918)' },
    })
    await expect(lookup(['10.0.0.1'], false)).rejects.toMatchObject({ code: 'ADDRESS_BLOCKED' })
    await expect(lookup([], true)).rejects.toMatchObject({ code: 'ADDRESS_BLOCKED' })
  })
})
