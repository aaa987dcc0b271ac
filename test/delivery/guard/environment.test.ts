import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import type { AddressOptions } from 'posthorn'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startForbiddenListener } from '../../support/forbidden-listener.ts'
import { certificate, oldProtocol } from '../../support/misbehaving/broken-tls.ts'
import { startNameServer } from '../../support/name-server.ts'
import { startReceiver } from '../../support/receiver.ts'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
// Within the repository, so that the packages are found; JavaScript, because Node 20 strips no types.
const folder = path(`../../../.cache/environment-${process.pid}`)
const program = `${folder}/child.mjs`

beforeAll(async () => {
  mkdirSync(folder, { recursive: true })
  const entryPoints = [path('./environment-child.ts')]
  await build({ entryPoints, outfile: program, bundle: true, format: 'esm', platform: 'node', packages: 'external' })
})
afterAll(() => rmSync(folder, { recursive: true }))

async function sendAll(
  environment: Readonly<Record<string, string>>,
  addresses: AddressOptions,
  urls: readonly string[],
) {
  const env = { PATH: process.env['PATH'] ?? '', ...environment }
  const given = JSON.stringify({ addresses, urls })
  const { stdout } = await promisify(execFile)(process.execPath, [program, given], { env, timeout: 60_000 })
  return JSON.parse(stdout) as unknown
}

async function startTls(options: TlsOptions): Promise<string> {
  const server = createTlsServer(options, (socket) => {
    socket.on('error', () => {}) // the sender may hang up
    socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'))
  })
  server.on('tlsClientError', () => {}) // the sender refuses us, as it should
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `https://receiver.example.com:${(server.address() as AddressInfo).port}/` // a TCP server has an AddressInfo
}

const major = Number(process.versions.node.split('.')[0])

describe('the environment', () => {
  it('turns no proxy on, and opens no address', async () => {
    await using proxy = await startForbiddenListener('127.0.0.1')
    await using forbidden = await startForbiddenListener()
    await using receiver = await startReceiver()
    await using names = await startNameServer(() => ['127.0.0.1'])
    const proxyUrl = `http://127.0.0.1:${proxy.port}`
    const variables = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']
    const environment = {
      ...Object.fromEntries(variables.map((name) => [name, proxyUrl])),
      NODE_USE_ENV_PROXY: '1',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      RES_OPTIONS: 'ndots:15',
      LOCALDOMAIN: 'internal',
      NODE_OPTIONS: ['--no-network-family-autoselection', ...(major >= 24 ? ['--use-env-proxy'] : [])].join(' '),
    }
    const urls = [
      `https://127.0.0.1:${forbidden.port}/`,
      `https://[::1]:${forbidden.port}/`,
      `https://name.example.com:${forbidden.port}/`,
      `http://name.example.com:${forbidden.port}/`,
      'https://metadata.google.internal/',
    ]
    const resolver = { servers: [names.server] }
    expect(await sendAll(environment, { resolver }, urls)).toEqual(urls.map(() => 'blocked'))
    expect(await sendAll(environment, { allow: ['127.0.0.1'], allowHttp: true }, [receiver.url])).toEqual([204])
    expect(forbidden.reached.connections).toBe(0)
    expect(proxy.reached.connections).toBe(0)
    expect(receiver.received).toHaveLength(1)
  })

  it('trusts no certificate and no protocol that is not to be trusted', async () => {
    await using names = await startNameServer(() => ['127.0.0.1'])
    const addresses = { allow: ['receiver.example.com'], resolver: { servers: [names.server] } }
    const good = await startTls(certificate('good'))
    const urls = [
      good,
      await startTls(certificate('expired')),
      await startTls(certificate('other-name')),
      await startTls(certificate('self-signed')),
      await startTls({ ...certificate('good'), ...oldProtocol }),
    ]
    const hostile = {
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      NODE_OPTIONS: '--tls-min-v1.0 --tls-cipher-list=DEFAULT@SECLEVEL=0 --max-http-header-size=1048576',
    }
    expect(await sendAll(hostile, addresses, urls)).toEqual(['tls', 'tls', 'tls', 'tls', 'tls'])
    // An authority that the operator adds is trusted, for the names and the time that its certificates are for.
    const trusting = { ...hostile, NODE_EXTRA_CA_CERTS: path('../../support/certificates/authority.crt') }
    expect(await sendAll(trusting, addresses, urls)).toEqual([204, 'tls', 'tls', 'tls', 'tls'])
    // And it opens no address.
    expect(await sendAll(trusting, { resolver: addresses.resolver }, [good])).toEqual(['blocked'])
  })

  it('lets no head grow past 16 KiB', async () => {
    await using receiver = await startReceiver(() => ({ status: 200, headers: { 'x-long': 'a'.repeat(20_000) } }))
    const hostile = { NODE_OPTIONS: '--max-http-header-size=1048576' }
    expect(await sendAll(hostile, { allow: ['127.0.0.1'], allowHttp: true }, [receiver.url])).toEqual(['protocol'])
  })
})
