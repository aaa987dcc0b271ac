import { answer, repeat, type Misbehaviour } from './misbehaviour.ts'

/** Silence, resets, and what happens around a connection that is kept alive. */
export const brokenConnections: readonly Misbehaviour[] = [
  { name: 'says nothing', stalls: true, meets: ['timeout'] },
  {
    name: 'never reads the request',
    stalls: true,
    meets: ['timeout'],
    bodyBytes: 8 * 2 ** 20,
    onConnection: (socket) => socket.pause(),
  },
  { name: 'closes at once', meets: ['reset'], onConnection: (socket) => socket.destroy() },
  { name: 'resets at once', meets: ['reset'], onConnection: (socket) => socket.resetAndDestroy() },
  { name: 'closes its half at once', meets: ['reset'], onConnection: (socket) => socket.end() },
  { name: 'closes its half after the request', meets: ['reset'], onRequest: (socket) => socket.end() },
  { name: 'resets after the request', meets: ['reset'], onRequest: (socket) => socket.resetAndDestroy() },
  {
    name: 'resets within the status line',
    meets: ['reset'],
    onRequest: (socket) => socket.write('HTTP/1.1 20', () => socket.resetAndDestroy()),
  },
  {
    name: 'resets within the headers',
    meets: ['reset'],
    onRequest: (socket) => socket.write('HTTP/1.1 200 OK\r\nx-a: b', () => socket.resetAndDestroy()),
  },
  {
    name: 'ends within the headers',
    meets: ['reset', 'protocol'],
    onRequest: (socket) => socket.end('HTTP/1.1 200 OK\r\nx-a: b\r\n'),
  },
  {
    name: 'resets within the body',
    meets: [200],
    onRequest: (socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf', () =>
        setTimeout(() => socket.resetAndDestroy(), 50),
      ),
  },
  {
    name: 'answers 413 early and closes, with the request unread',
    meets: [413, 'reset'],
    bodyBytes: 2 ** 20,
    onRequest(socket) {
      socket.pause()
      socket.end(answer('413 Content Too Large', '', 'connection: close\r\n'))
      setTimeout(() => socket.destroy(), 50)
    },
  },
  {
    name: 'answers 413 early and reads on',
    meets: [413],
    bodyBytes: 2 ** 20,
    onRequest: (socket) => socket.write(answer('413 Content Too Large')),
  },
  {
    name: 'answers before it is asked',
    meets: [200, 'reset', 'protocol'],
    onConnection: (socket) => socket.write(answer('200 OK')),
  },
  {
    name: 'poisons the connection with a second answer',
    meets: [201, 'reset', 'protocol'],
    requests: 6,
    onRequest: (socket) => socket.write(answer('201 Created') + answer('299 Poison')),
  },
  {
    name: 'poisons the connection a little later',
    // By then the next request may be on its way, and HTTP/1.1 cannot tell whose answer it is.
    meets: [201, 299, 'reset', 'protocol'],
    requests: 6,
    onRequest: (socket) =>
      socket.write(answer('201 Created'), () => setTimeout(() => socket.write(answer('299 Poison')), 3)),
  },
  {
    name: 'poisons the connection with a body behind a 204',
    meets: [204, 'reset', 'protocol'],
    requests: 6,
    onRequest: (socket) => socket.write(answer('204 No Content', answer('299 Poison'))),
  },
  {
    name: 'sends garbage while the connection rests',
    meets: [201, 'reset', 'protocol'],
    requests: 4,
    onRequest: (socket) => socket.write(answer('201 Created'), () => setTimeout(() => socket.write('garbage'), 3)),
  },
  {
    name: 'closes the connection as soon as it rests',
    meets: [201, 'reset'],
    requests: 4,
    onRequest: (socket) => socket.write(answer('201 Created'), () => setTimeout(() => socket.end(), 1)),
  },
  {
    name: 'resets the connection as soon as it rests',
    meets: [201, 'reset'],
    requests: 4,
    onRequest: (socket) => socket.write(answer('201 Created'), () => setTimeout(() => socket.resetAndDestroy(), 1)),
  },
  {
    name: 'says close and keeps it open',
    meets: [200],
    requests: 2,
    onRequest: (socket) => socket.write(answer('200 OK', '', 'connection: close\r\n')),
  },
  {
    name: 'redirects to itself for ever',
    meets: [307],
    onRequest: (socket) => socket.write(answer('307 Temporary Redirect', '', 'location: /\r\n')),
  },
  {
    name: 'redirects to what is no URL',
    meets: [302],
    onRequest: (socket) => socket.write(answer('302 Found', '', `location: http://[::${'a'.repeat(8_000)}\r\n`)),
  },
  {
    name: 'floods with 100 Continue',
    meets: ['reset'], // which nobody asked for, so undici hangs up
    onRequest: (socket) => repeat(socket, 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)),
  },
  {
    name: 'floods with 103 Early Hints',
    stalls: true,
    meets: ['timeout', 'protocol'],
    onRequest: (socket) => repeat(socket, `HTTP/1.1 103 Early Hints\r\nlink: <${'x'.repeat(1000)}>\r\n\r\n`.repeat(10)),
  },
  {
    name: 'says 100 Continue and no more',
    meets: ['reset'],
    onRequest: (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'),
  },
  {
    name: 'drips 102 Processing',
    stalls: true,
    meets: ['timeout'],
    onRequest: (socket) => repeat(socket, 'HTTP/1.1 102 Processing\r\n\r\n', 20),
  },
  {
    name: 'switches protocols',
    meets: ['protocol', 'reset'],
    onRequest: (socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  },
]
