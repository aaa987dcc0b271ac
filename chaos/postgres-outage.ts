import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createSchema, serverUrl } from './postgres-schema.ts'
import { seededRandom } from './random.ts'
import { startReceiver } from './receiver.ts'
import type { Seeded, Verdict } from './scenario.ts'
import { startSilentProxy } from './silent-proxy.ts'

/** How hard it gets. */
export interface PostgresOutageOptions extends Seeded {
  /** How long the database is away each time, in milliseconds. */
  readonly awayMs: number
  /** The host's `statementTimeoutMs`. */
  readonly statementTimeoutMs: number
}

// From the database's return to the delivery of an event that was dispatched after it.
const longestRecoveryMs = 15_000
const host = fileURLToPath(new URL('./postgres-host.ts', import.meta.url))

/**
 * Puts a proxy between a host and its Postgres that goes silent (open connections, no answers, for ever), and one that refuses. Lost is
 * always accepted minus received.
 */
export async function postgresOutage({ awayMs, statementTimeoutMs, seed }: PostgresOutageOptions): Promise<Verdict> {
  await using schema = await createSchema()
  const target = new URL(serverUrl)
  const proxy = await startSilentProxy({ host: target.hostname, port: Number(target.port || 5432) })
  const receiver = await startReceiver({ failureRate: 0.03, random: seededRandom(seed) })
  const proxied = new URL(serverUrl)
  proxied.host = `127.0.0.1:${proxy.port}`
  const child = spawn(
    process.execPath,
    ['--no-warnings', host, proxied.href, schema.name, receiver.url, `${statementTimeoutMs}`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  try {
    const answers = follow(child)
    const isDelivered = (since: number) => () =>
      answers.accepted.some(({ id, begunAt }) => begunAt >= since && (receiver.tallies.get(id)?.succeeded ?? 0) > 0)
    await until(isDelivered(0), 20_000)
    await pause(1_000)
    proxy.silence()
    await pause(awayMs)
    proxy.speak()
    const afterSilenceMs = await until(isDelivered(Date.now()), longestRecoveryMs)
    await pause(1_000)
    await proxy.stop()
    await pause(awayMs)
    await proxy.restart()
    const afterStopMs = await until(isDelivered(Date.now()), longestRecoveryMs)
    const isAlive = child.exitCode === null && child.signalCode === null
    const isFinished = await finish(child)
    const accepted = answers.accepted.length
    const lost = answers.accepted.filter(({ id }) => (receiver.tallies.get(id)?.succeeded ?? 0) === 0).length
    const isRecovered = afterSilenceMs !== null && afterStopMs !== null
    const isGood = isRecovered && isAlive && isFinished && lost === 0 && accepted > 0
    const { rejected } = answers
    return { isGood, lost, accepted, rejected, afterSilenceMs, afterStopMs, isAlive, isFinished, awayMs }
  } finally {
    child.kill('SIGKILL')
    receiver.close()
    await proxy.close()
  }
}

function follow(child: ChildProcess) {
  const accepted: { readonly id: string; readonly begunAt: number }[] = []
  const rejected: Record<string, number> = {}
  if (child.stdout === null) throw new Error('The host has no output.')
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [answer, what = '', begunAt] = line.split(' ')
    if (answer === 'accepted') accepted.push({ id: what, begunAt: Number(begunAt) })
    else rejected[what] = (rejected[what] ?? 0) + 1
  })
  return { accepted, rejected }
}

// How long it took, or null where it did not come.
async function until(isSo: () => boolean, timeoutMs: number): Promise<number | null> {
  const started = performance.now()
  while (!isSo()) {
    if (performance.now() - started > timeoutMs) return null
    await pause(10)
  }
  return Math.round(performance.now() - started)
}

async function finish(child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null) return false
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  clearTimeout(timer)
  return code === 0
}
