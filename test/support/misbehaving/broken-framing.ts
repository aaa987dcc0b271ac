import { randomBytes } from 'node:crypto'
import { answer, repeat, type Misbehaviour } from './misbehaviour.ts'

const says = (text: string | Buffer) => ({
  onRequest: (socket: { end(text: string | Buffer): unknown }) => void socket.end(text),
})

/** Heads that never end, and answers that are not HTTP as we speak it. */
export const brokenFraming: readonly Misbehaviour[] = [
  {
    name: 'drips its status line',
    stalls: true,
    meets: ['timeout'],
    onRequest(socket) {
      const letters = [...`HTTP/1.1 200 ${'O'.repeat(10_000)}`]
      repeat(socket, () => letters.shift() ?? '', 10)
    },
  },
  {
    name: 'drips headers',
    stalls: true,
    meets: ['timeout'],
    onRequest(socket) {
      socket.write('HTTP/1.1 200 OK\r\n')
      repeat(socket, 'x-a: b\r\n', 10)
    },
  },
  {
    name: 'floods with headers',
    meets: ['protocol'],
    onRequest(socket) {
      socket.write('HTTP/1.1 200 OK\r\n')
      repeat(socket, `x-a: ${'b'.repeat(100)}\r\n`.repeat(100))
    },
  },
  {
    name: 'sends one header of a megabyte',
    meets: ['protocol'],
    onRequest: (socket) => socket.write(answer('200 OK', '', `x-a: ${'b'.repeat(2 ** 20)}\r\n`)),
  },
  {
    name: 'sends a hundred thousand headers',
    meets: ['protocol'],
    onRequest: (socket) => socket.write(answer('200 OK', '', 'a: b\r\n'.repeat(100_000))),
  },
  {
    name: 'sends an endless reason',
    meets: ['protocol', 'timeout'],
    onRequest(socket) {
      socket.write('HTTP/1.1 200 ')
      repeat(socket, 'O'.repeat(10_000))
    },
  },
  { name: 'sends a header without a colon', meets: ['protocol'], ...says('HTTP/1.1 200 OK\r\nnonsense\r\n\r\n') },
  { name: 'sends a NUL in a header', meets: ['protocol'], ...says('HTTP/1.1 200 OK\r\nx-a: b\0c\r\n\r\n') },
  { name: 'gives two lengths', meets: ['protocol'], ...says(answer('200 OK', 'ab', 'content-length: 5\r\n')) },
  {
    name: 'gives a length and chunks',
    meets: ['protocol'],
    ...says(answer('200 OK', '0\r\n\r\n', 'transfer-encoding: chunked\r\n')),
  },
  { name: 'gives a negative length', meets: ['protocol'], ...says('HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n') },
  {
    name: 'gives a length that is none',
    meets: ['protocol'],
    ...says('HTTP/1.1 200 OK\r\ncontent-length: 0x10\r\n\r\n'),
  },
  {
    name: 'gives a length past 64 bits',
    meets: ['protocol'],
    ...says(`HTTP/1.1 200 OK\r\ncontent-length: ${'9'.repeat(30)}\r\n\r\n`),
  },
  { name: 'answers status 000', meets: ['protocol'], ...says('HTTP/1.1 000 Nothing\r\ncontent-length: 0\r\n\r\n') },
  { name: 'answers status 99999', meets: ['protocol'], ...says('HTTP/1.1 99999 Much\r\ncontent-length: 0\r\n\r\n') },
  { name: 'answers status -1', meets: ['protocol'], ...says('HTTP/1.1 -1 Less\r\ncontent-length: 0\r\n\r\n') },
  { name: 'speaks HTTP/0.9', meets: ['protocol'], ...says('<html>hello</html>') },
  { name: 'speaks HTTP/9.9', meets: ['protocol'], ...says('HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n') },
  {
    name: 'speaks HTTP/2',
    meets: ['protocol'],
    ...says(Buffer.from('000012040000000000000300000064000400100000000600004000', 'hex')),
  },
  { name: 'speaks SSH', meets: ['protocol'], ...says('SSH-2.0-OpenSSH_9.6\r\n') },
  { name: 'speaks Redis', meets: ['protocol'], ...says("-ERR unknown command 'POST'\r\n") },
  {
    name: 'sends noise',
    meets: ['protocol'],
    onRequest: (socket) => repeat(socket, () => randomBytes(1000).toString('base64')),
  },
  { name: 'asks in its turn', meets: ['protocol'], ...says('GET / HTTP/1.1\r\nhost: a\r\n\r\n') },
]
