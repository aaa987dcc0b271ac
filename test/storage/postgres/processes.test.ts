import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newEvent, newWebhook, tenantId } from '../sqlite/rows.ts'
import { createTestDatabase, noServer, type TestDatabase } from './test-database.ts'

// Node 20 runs no TypeScript, which is what the other processes are written in.
const noTypeScript = Number.parseInt(process.versions.node, 10) < 22

describe.skipIf(noServer || noTypeScript)('postgresStorage shared by processes', { timeout: 60_000 }, () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
    return database.drop
  })
  beforeEach(async () => {
    await database.emptyStorage().open()
  })

  it('gives each delivery to one of them, and no webhook more than its maxInFlight', async () => {
    const storage = database.storage()
    const webhooks = [newWebhook({ maxInFlight: 2 }), newWebhook({ maxInFlight: 3 })]
    for (const webhook of webhooks) await storage.insertWebhook(webhook)
    const events = Array.from({ length: 150 }, () => newEvent(webhooks))
    await storage.enqueue(events)
    // Counts what is held, from outside and all the time.
    const leased = `SELECT count(*)::integer AS count FROM ${database.schema}.deliveries WHERE phase = 'leased' GROUP BY webhook_id`
    const counts: unknown[] = []
    const children = [1, 2, 3].map(() => start('deliver', database.schema))
    const delivered = Promise.all(children.map(linesOf))
    let isDone = false
    void delivered.then(() => (isDone = true))
    for (let look = 0; look < 10_000 && !isDone; look++) {
      counts.push(...(await database.query(leased)).map(({ count }) => count))
    }
    const ids = (await delivered).flat()
    expect(ids.toSorted()).toEqual(events.flatMap(({ deliveries }) => deliveries.map(({ id }) => id)).toSorted())
    expect(counts.length).toBeGreaterThan(10)
    expect(Math.max(...counts.map(Number))).toBeLessThanOrEqual(3)
    expect(await storage.stats({})).toMatchObject({ ready: 0, waiting: 0, leased: 0 })
  })

  it('keeps every acknowledged event when the process is killed', async () => {
    const storage = database.storage()
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    const child = start('enqueue', database.schema, webhook.id)
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (text.split('\n').length > 100) child.kill('SIGKILL')
    })
    const [, signal] = await once(child, 'close')
    expect(signal).toBe('SIGKILL')
    const acknowledged = text.split('\n').slice(0, -1)
    expect(acknowledged.length).toBeGreaterThanOrEqual(100)
    for (const id of acknowledged) expect(await storage.getEvent(id, tenantId), id).not.toBeNull()
    const { ready } = await storage.stats({})
    expect(ready - acknowledged.length).toBeGreaterThanOrEqual(0)
    // What was under way when it was killed.
    expect(ready - acknowledged.length).toBeLessThanOrEqual(1)
  })

  it('lets several of them create the tables at once', async () => {
    const schema = `${database.schema}_migrated`
    const children = [1, 2, 3].map(() => start('migrate', schema))
    expect(await Promise.all(children.map(linesOf))).toEqual([[], [], []])
    expect(await database.query(`SELECT version FROM ${schema}.schema_version`)).toEqual([{ version: 5 }])
    await database.query(`DROP SCHEMA ${schema} CASCADE`)
  })
})

function start(
  task: string,
  ...args: readonly string[]
): ChildProcess & { stdout: NonNullable<ChildProcess['stdout']> } {
  const script = fileURLToPath(new URL('./child.ts', import.meta.url))
  const flags = ['--experimental-strip-types', '--no-warnings']
  return spawn(process.execPath, [...flags, script, task, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function linesOf(child: ReturnType<typeof start>): Promise<string[]> {
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  const [code] = await once(child, 'close')
  expect(code).toBe(0)
  return text.split('\n').slice(0, -1)
}
