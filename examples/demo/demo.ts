/**
 * `npm run demo`: the whole way once, on this machine. A sender process registers webhooks for six event types in a SQLite file,
 * dispatches one event of each, signs and sends them; a receiver process verifies every signature. Then a sender is killed with
 * SIGKILL in the middle of its work and started again. Exits with 1 where anything is not as expected: see faults.ts.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventDispatcher, generateSecret, WebhookRegistry } from 'posthorn'
import { sqliteStorage } from 'posthorn/sqlite'
import { events } from '../events.ts'
import { killChild, killChildren, startChild, type Child } from './child.ts'
import { demoFault } from './faults.ts'
import type { ReceivedRequest } from './receiver.ts'
import { startReceiver, type ReceiverProcess } from './receiver-process.ts'
import { printDeliveries, printExpectations, type ReportedDelivery } from './report.ts'

const limitMs = Number(process.env['DEMO_LIMIT_MS'] ?? 60_000)
const fault = demoFault()
const secret = generateSecret()
const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interrupted.abort(new Error(`The demo was ended by ${name}.`)))
}
const signal = AbortSignal.any([AbortSignal.timeout(limitMs), interrupted.signal])

const folder = await mkdtemp(join(tmpdir(), 'posthorn-demo-'))
const database = join(folder, 'demo.db')
const storage = sqliteStorage(database)
const registry = new WebhookRegistry({ storage, events, addresses: { allow: ['127.0.0.0/8'], allowHttp: true } })
const log = new EventDispatcher({ registry }) // never started: it only reads what the sender did
try {
  const receiver = await startReceiver(secret, signal)
  const isDelivered = await deliverEachType(receiver)
  const isRecovered = await killAndRestart(receiver)
  console.log(isDelivered && isRecovered ? '\nThe demo succeeded.' : '\nThe demo FAILED: see above.')
  process.exitCode = isDelivered && isRecovered ? 0 : 1
} catch (error) {
  console.error('\nThe demo FAILED.', signal.aborted ? signal.reason : error)
  process.exitCode = 1
} finally {
  await killChildren()
  await storage.close()
  await rm(folder, { recursive: true, force: true })
}

async function deliverEachType({ url, requests }: ReceiverProcess): Promise<boolean> {
  console.log('One event of each type: to a steady receiver, a flaky one and a failing one')
  await finished(startSender('each-type', url))
  const deliveries = await readDeliveries()
  printDeliveries(deliveries)

  const of = (webhook: string) => deliveries.filter((delivery) => delivery.webhook === webhook)
  const [steady, flaky, failing] = [of('steady'), of('flaky'), of('failing')]
  return printExpectations(
    new Map([
      ['the receiver verified both signatures of every request', requests.length > 0 && requests.every(isVerified)],
      [
        `each of the ${events.types.length} types was delivered at the first try`,
        steady.length === events.types.length && steady.every((delivery) => answersOf([delivery]) === '204 succeeded'),
      ],
      ['the flaky receiver succeeded at the third try', answersOf(flaky) === '503 503 204 succeeded'],
      ['the failing receiver failed after 4 requests', answersOf(failing) === '500 500 500 500 failed'],
      ['the failing receiver got no fifth request', requests.filter(({ path }) => path === '/failing').length === 4],
    ]),
  )
}

async function killAndRestart({ url, requests, arrival }: ReceiverProcess): Promise<boolean> {
  console.log('\nA sender that is killed in the middle of its work, and started again')
  const earlierRequests = requests.length
  const earlier = new Set((await readDeliveries()).map(({ id }) => id))
  const readBurst = async () => (await readDeliveries()).filter(({ id }) => !earlier.has(id))

  const sender = startSender('burst', url)
  await Promise.race([arrival('/slow', 4), sender.ended]) // of six, two at a time
  await killChild(sender)
  const left = (await readBurst()).filter(({ state }) => state === 'pending').length
  const done = (await readBurst()).length - left
  console.log(`  killed with ${done} delivered and ${left} not`)

  if (fault !== 'restart') await finished(startSender('rest', url))
  const deliveries = await readBurst()
  printDeliveries(deliveries)
  const burstRequests = requests.slice(earlierRequests)
  const unrecorded = burstRequests.length - deliveries.flatMap(({ attempts }) => attempts).length
  console.log(`  ${unrecorded} requests were under way when it was killed: not recorded, so made again`)
  return printExpectations(
    new Map([
      ['the receiver verified both signatures of every request', burstRequests.every(isVerified)],
      ['the sender was killed by SIGKILL with some delivered and some not', done > 0 && left > 0],
      ['none was lost: all 12 are delivered', deliveries.filter(({ state }) => state === 'succeeded').length === 12],
      ['only what was under way was sent twice', unrecorded <= left],
    ]),
  )
}

function startSender(task: string, receiverUrl: string) {
  const env = { RECEIVER_URL: receiverUrl, WEBHOOK_SECRET: secret }
  return startChild('./sender.ts', { args: [database, task], env, signal })
}

async function finished(sender: Child): Promise<void> {
  const end = await sender.ended
  signal.throwIfAborted()
  if (end !== 0) throw new Error(`The sender ended with ${end}, not with 0.`)
}

function isVerified({ rejectedBy }: ReceivedRequest): boolean {
  return rejectedBy === null
}

async function readDeliveries(): Promise<ReportedDelivery[]> {
  const names = new Map((await registry.list()).data.map(({ id, name }) => [id, name]))
  const { data } = await log.listDeliveries({ order: 'asc', limit: 100 })
  const detailed = await Promise.all(data.map(({ id }) => log.getDelivery(id)))
  return detailed.map((delivery) => ({ ...delivery, webhook: names.get(delivery.webhookId) ?? delivery.webhookId }))
}

function answersOf(deliveries: readonly ReportedDelivery[]): string {
  return deliveries.map(({ state, attempts }) => [...attempts.map(({ status }) => status), state].join(' ')).join(' ')
}
