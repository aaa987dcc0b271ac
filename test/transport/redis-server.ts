import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

/** The Redis that the tests share. */
export const redisUrl = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379'

/** Whether there is none. Then the tests are skipped, loudly; in CI that is a failure. */
export const noRedis = !(await isReachable())

/** A Redis of a test's own, which it may empty, end and start again. */
export interface PrivateRedis {
  readonly connection: { readonly host: string; readonly port: number }
  /** Starts it on its port, empty. */
  readonly start: () => Promise<void>
  /** Kills it. */
  readonly kill: () => Promise<void>
  /** Runs a command. */
  readonly command: (...words: readonly string[]) => Promise<string>
}

/** Makes a Redis with settings of its own, not yet started; it ends with the test. */
export async function privateRedis(...settings: readonly string[]): Promise<PrivateRedis> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-redis-'))
  let server: ReturnType<typeof spawn> | undefined
  const kill = async () => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
  const start = async () => {
    const flags = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
    const kept = settings.length > 0 ? settings : ['--save', '', '--appendonly', 'no']
    server = spawn('redis-server', [...flags, ...kept], { stdio: 'ignore' })
    server.on('error', () => undefined)
    for (let tries = 0; tries < 500; tries++) {
      if (await answers(port)) return
      await sleep(10)
    }
    throw new Error('redis-server did not start: is it installed?')
  }
  onTestFinished(async () => {
    await kill()
    rmSync(folder, { recursive: true, force: true })
  })
  return { connection: { host: '127.0.0.1', port }, start, kill, command: (...words) => ask(port, words.join(' ')) }
}

async function isReachable(): Promise<boolean> {
  const { hostname, port } = new URL(redisUrl)
  if (await answers(Number(port === '' ? 6379 : port), hostname)) return true
  const message = `No Redis at ${hostname}:${port} (set REDIS_URL)`
  if (process.env['CI'] === 'true') throw new Error(message)
  console.warn(`SKIPPED: ${message}`)
  return false
}

async function answers(port: number, host = '127.0.0.1'): Promise<boolean> {
  // A server with a password answers too.
  return await ask(port, 'PING', host).then(
    (answer) => /PONG|NOAUTH/.test(answer),
    () => false,
  )
}

async function ask(port: number, command: string, host = '127.0.0.1'): Promise<string> {
  const socket = connect({ port, host })
  socket.setTimeout(2000, () => socket.destroy(new Error('no answer')))
  socket.write(`${command}\r\n`)
  const [answer] = await once(socket, 'data')
  socket.destroy()
  return String(answer)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a TCP server has one
  server.close()
  await once(server, 'close')
  return port
}
