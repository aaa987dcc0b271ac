import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certificate } from '../../support/misbehaving/broken-tls.ts'
import { startNameServer } from '../../support/name-server.ts'
import { openedSockets } from '../../support/opened-sockets.ts'
import { startReceiver } from '../../support/receiver.ts'
import { guardedSender } from './guarded-sender.ts'

// A real CONNECT proxy that takes every name for this machine.
async function startProxy(port: () => number) {
  const targets: (string | undefined)[] = []
  const server = createServer((_, response) => response.writeHead(500).end())
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    targets.push(request.url)
    socket.on('error', () => {})
    if (request.url?.startsWith('refused.') === true) return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const upstream = connect(port(), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    upstream.on('error', () => socket.destroy())
    socket.on('close', () => upstream.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { proxy: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, targets } // a TCP server has an AddressInfo
}

describe('a sender with a proxy', () => {
  it('opens every connection through it, and resolves nothing', async () => {
    await using receiver = await startReceiver()
    await using names = await startNameServer(() => 'missing')
    const { proxy, targets } = await startProxy(() => Number(new URL(receiver.url).port))
    const { post } = guardedSender({ proxy, allowHttp: true, resolver: { servers: [names.server] } })
    expect(await post('http://public.example.com/hook')).toMatchObject({ status: 204 })
    expect(receiver.received[0]).toMatchObject({ url: '/hook', headers: { host: 'public.example.com' } })
    expect(targets).toEqual(['public.example.com:80'])
    expect(names.asked.size).toBe(0)
  })

  it('is held to the rules for URLs, names and literal addresses all the same', async () => {
    const { proxy, targets } = await startProxy(() => 1)
    const { post } = guardedSender({ proxy })
    using opened = openedSockets()
    const urls = ['https://127.0.0.1/', 'https://10.0.0.1/', 'https://metadata.google.internal/', 'https://redis/']
    const others = ['http://example.com/', 'https://example.com:22/', 'https://[fd00::1]/']
    for (const url of [...urls, ...others]) expect(await post(url), url).toMatchObject({ error: 'blocked' })
    expect(targets).toEqual([])
    expect(opened.sockets).toHaveLength(0)
  })

  it('verifies the certificates of receivers', async () => {
    const receiver = createTlsServer(certificate('self-signed'))
    receiver.on('tlsClientError', () => {}) // the sender refuses us, as it should
    receiver.listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    onTestFinished(() => void receiver.close())
    const { proxy, targets } = await startProxy(() => (receiver.address() as AddressInfo).port) // a TCP server has an AddressInfo
    expect(await guardedSender({ proxy }).post('https://public.example.com/')).toMatchObject({ error: 'tls' })
    expect(targets).toEqual(['public.example.com:443'])
  })

  it('says so where the proxy refuses', async () => {
    const { proxy } = await startProxy(() => 1)
    expect(await guardedSender({ proxy }).post('https://refused.example.com/')).toMatchObject({ error: 'refused' })
  })
})
