import { within } from '../../domain/within.ts'
import type { StorageWatcher } from '../storage.ts'

/** What is used of a `Client` of pg, or of a client that a `Pool` gave: a connection that does nothing but listen. */
export interface PgListener {
  /** Connects, where the client is not one of a pool. */
  connect?(): Promise<unknown>
  /** Runs a statement. */
  query(sql: string): Promise<unknown>
  /** Tells of notifications, and of the connection's end. */
  on(event: 'notification' | 'error' | 'end', listener: (argument: never) => void): unknown
  /** Ends the connection. */
  end?(): Promise<unknown>
  /** Gives the client back to its pool; with true the pool drops it. */
  release?(isBroken: boolean): unknown
}

/** What is used of the `sql` of postgres.js, which listens on a connection of its own, and of PGlite. */
export interface ListeningClient {
  /** Listens on a channel. */
  listen(channel: string, onNotify: (payload: string) => void, onListen?: never): PromiseLike<unknown>
}

/** How notifications are heard: a function that gives a new client of pg each time, the `sql` of postgres.js, or a PGlite. */
export type PostgresListener = ListeningClient | (() => PgListener | Promise<PgListener>)

/** Refuses what cannot listen. */
export function assertListener(listener: unknown): asserts listener is PostgresListener {
  if (typeof listener === 'function' || isListening(listener)) return
  throw new TypeError(
    'listen must be a function that gives a new client of pg, the sql of postgres.js, or a PGlite, ' +
      `not ${listener === null ? 'null' : typeof listener}.`,
  )
}

/** Whether a client can listen by itself. */
export function isListening(client: unknown): client is ListeningClient {
  if ((typeof client !== 'object' && typeof client !== 'function') || client === null) return false
  return typeof Reflect.get(client, 'listen') === 'function'
}

const firstPauseMs = 100
const longestPauseMs = 30_000
// A connection that only listens does not notice that the other end is gone.
const heartbeatMs = 30_000
const heartbeatWithinMs = 10_000

// How long a connection that does not answer may hold up who ends the listening.
const endWithinMs = 1_000

/** Listens until it is told to end, over any number of connections. */
export function listenOn(listener: PostgresListener, channel: string, watcher: StorageWatcher): () => Promise<void> {
  const listening = new Listening(listener, channel, watcher)
  const ended = listening.run()
  return async () => {
    listening.end()
    await within(endWithinMs, ended, undefined)
  }
}

class Listening {
  readonly #listener: PostgresListener
  readonly #channel: string
  readonly #watcher: StorageWatcher
  readonly #ended = new AbortController()

  constructor(listener: PostgresListener, channel: string, watcher: StorageWatcher) {
    this.#listener = listener
    this.#channel = channel
    this.#watcher = watcher
  }

  async run(): Promise<void> {
    let pauseMs = firstPauseMs
    while (!this.#ended.signal.aborted) {
      const startedAt = performance.now()
      try {
        await this.#listenOnce()
      } catch (error) {
        if (!this.#ended.signal.aborted) this.#watcher.onError(error)
      }
      if (performance.now() - startedAt > longestPauseMs) pauseMs = firstPauseMs
      // Spread, since whatever ended this connection ended those of other processes too.
      await this.#pause(pauseMs * (0.5 + Math.random()))
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    }
  }

  end(): void {
    this.#ended.abort()
  }

  // Resolves when it was told to end; rejects when the connection is lost.
  async #listenOnce(): Promise<void> {
    const listener = this.#listener
    if (isListening(listener)) return await this.#listenBy(listener)
    const client = await listener()
    if (this.#ended.signal.aborted) await discard(client, true)
    else await this.#listenOnClient(client)
  }

  // These come back by themselves.
  async #listenBy(client: ListeningClient): Promise<void> {
    const told = () => this.#told()
    // PGlite takes a transaction in the place where postgres.js takes who wants to know of a new connection.
    const isPostgresJs = 'unsafe' in client
    const listening: unknown = await (isPostgresJs
      ? client.listen(this.#channel, told, told as never) // typed for both
      : client.listen(this.#channel, told))
    if (!isPostgresJs) told()
    await this.#end()
    await unlisten(listening)
  }

  async #listenOnClient(client: PgListener): Promise<void> {
    const isPooled = client.release !== undefined
    let isBroken = true
    try {
      const lost = new Promise<never>((_, reject) => {
        client.on('error', reject)
        client.on('end', () => reject(new Error('the connection that listens was ended')))
      })
      // Which of the two is first does not matter, and nobody waits for the other.
      lost.catch(() => undefined)
      client.on('notification', () => this.#told())
      await Promise.race([this.#end(), lost, this.#begin(client, isPooled)])
      await Promise.race([this.#end(), lost, this.#heartbeats(client)])
      isBroken = false
    } finally {
      await discard(client, isBroken)
    }
  }

  async #begin(client: PgListener, isPooled: boolean): Promise<void> {
    if (!isPooled) await client.connect?.()
    await client.query(`LISTEN "${this.#channel}"`)
    // What was written while nobody listened.
    this.#told()
  }

  async #heartbeats(client: PgListener): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await this.#pause(heartbeatMs)
      if (this.#ended.signal.aborted) return
      const answered = client.query('SELECT 1').then(() => true)
      const late = this.#pause(heartbeatWithinMs).then(() => false)
      if (!(await Promise.race([answered, late]))) throw new Error('the connection that listens does not answer')
    }
  }

  #told(): void {
    if (!this.#ended.signal.aborted) this.#watcher.onWritten()
  }

  #end(): Promise<void> {
    const { signal } = this.#ended
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#ended
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      timer.unref()
      signal.addEventListener('abort', done)
    })
  }
}

async function unlisten(listening: unknown): Promise<void> {
  if (typeof listening === 'function') await listening()
  else if (typeof listening === 'object' && listening !== null) {
    const end: unknown = Reflect.get(listening, 'unlisten')
    if (typeof end === 'function') await end()
  }
}

// The connection may be dead, which is why it is given up; how that goes is of no interest. It is not waited for long.
async function discard(client: PgListener, isBroken: boolean): Promise<void> {
  // A client that goes back to its pool would go on listening there, so the pool drops it.
  if (client.release !== undefined) return void client.release(true)
  const ended = client.end?.().catch(() => undefined)
  if (!isBroken) await ended
}
