import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { answer, repeat, type Misbehaviour } from './misbehaviour.ts'

const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
const zeros = Buffer.alloc(10 * 2 ** 20)

function encoded(encoding: string, bytes: Uint8Array): Misbehaviour {
  const head = `HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${bytes.length}\r\n\r\n`
  return {
    name: `encodes its body as ${encoding.slice(0, 40)}`,
    meets: [200],
    onRequest: (socket) => socket.write(Buffer.concat([Buffer.from(head), bytes])),
  }
}

/** Bodies that do not end, end early, or are not what they say. The status counts all the same. */
export const brokenBodies: readonly Misbehaviour[] = [
  {
    name: 'sends an endless body',
    meets: [200],
    onRequest(socket) {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      repeat(socket, 'x'.repeat(100_000))
    },
  },
  {
    name: 'sends a body of a terabyte',
    meets: [200],
    onRequest(socket) {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n')
      repeat(socket, 'x'.repeat(100_000))
    },
  },
  {
    name: 'refuses with an endless body',
    meets: [500],
    onRequest(socket) {
      socket.write('HTTP/1.1 500 Internal Server Error\r\n\r\n')
      repeat(socket, 'x'.repeat(100_000))
    },
  },
  {
    name: 'drips its body',
    stalls: true,
    meets: [200],
    onRequest(socket) {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n')
      repeat(socket, 'x', 10)
    },
  },
  {
    name: 'promises a body and sends none',
    stalls: true,
    meets: [200],
    onRequest: (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'),
  },
  {
    name: 'ends its body early',
    meets: [200],
    onRequest: (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf'),
  },
  {
    name: 'drips chunks',
    stalls: true,
    meets: [200],
    onRequest(socket) {
      socket.write(chunked)
      repeat(socket, '1\r\nx\r\n', 10)
    },
  },
  {
    name: 'sends endless chunks of one byte',
    meets: [200],
    onRequest(socket) {
      socket.write(chunked)
      repeat(socket, '1\r\nx\r\n'.repeat(1_000))
    },
  },
  {
    name: 'sends an endless chunk extension',
    stalls: true,
    meets: [200],
    onRequest(socket) {
      socket.write(`${chunked}1;`)
      repeat(socket, 'a'.repeat(10_000))
    },
  },
  {
    name: 'sends a chunk size that is none',
    meets: [200],
    onRequest: (socket) => socket.end(`${chunked}zz\r\nx\r\n0\r\n\r\n`),
  },
  {
    name: 'sends a chunk size past 64 bits',
    stalls: true,
    meets: [200],
    onRequest: (socket) => socket.write(`${chunked}${'f'.repeat(40)}\r\nx`),
  },
  {
    name: 'sends endless trailers',
    stalls: true,
    meets: [200],
    onRequest(socket) {
      socket.write(`${chunked}1\r\nx\r\n0\r\n`)
      repeat(socket, `x-a: ${'b'.repeat(100)}\r\n`.repeat(10))
    },
  },
  {
    name: 'never ends its chunks',
    stalls: true,
    meets: [200],
    onRequest: (socket) => socket.write(`${chunked}1\r\nx\r\n`),
  },
  {
    name: 'answers 204 with a length',
    meets: [204],
    onRequest: (socket) => socket.end(answer('204 No Content', 'body')),
  },
  {
    name: 'answers 304 without the body that it announces',
    meets: [304],
    onRequest: (socket) => socket.write('HTTP/1.1 304 Not Modified\r\ncontent-length: 100\r\n\r\n'),
  },
  encoded('gzip', gzipSync(gzipSync(zeros))),
  encoded('gzip, gzip', gzipSync(gzipSync(zeros))),
  encoded('deflate', deflateSync(zeros)),
  encoded('br', brotliCompressSync(zeros.subarray(0, 2 ** 20))),
  encoded('zstd', Buffer.from('28b52ffd', 'hex')),
  encoded('x-unknown', Buffer.from('what')),
  encoded(Array.from({ length: 100 }, () => 'gzip').join(', '), Buffer.from('none of it')),
]
