import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite-storage.ts'
import { newEvent, newWebhook, tenantId } from './rows.ts'
import { tempFile } from './temp-file.ts'

describe('sqliteStorage shared by processes', { timeout: 60_000 }, () => {
  it('gives each delivery to one of them', async () => {
    const { file, webhook } = await preparedFile()
    const storage = sqliteStorage(file)
    const events = Array.from({ length: 600 }, () => newEvent([webhook]))
    await storage.enqueue(events)
    const claimed = await Promise.all([linesOf('claim', file), linesOf('claim', file), linesOf('claim', file)])
    const ids = claimed.flat()
    expect(ids.toSorted()).toEqual(events.flatMap(({ deliveries }) => deliveries.map(({ id }) => id)).toSorted())
    expect((await storage.stats({})).leased).toBe(600)
    await storage.close()
  })

  it('opens a new file from several of them at once', async () => {
    const file = tempFile()
    const inserted = await Promise.all(Array.from({ length: 5 }, () => linesOf('insert', file)))
    const storage = sqliteStorage(file)
    const { data } = await storage.listWebhooks({ tenantId, limit: 10 })
    expect(data.map(({ id }) => id).toSorted()).toEqual(inserted.flat().toSorted())
    await storage.close()
  })

  it('keeps every acknowledged event when the process is killed', async () => {
    const { file, webhook } = await preparedFile()
    const acknowledged: string[] = []
    for (let kill = 1; kill <= 5; kill++) {
      acknowledged.push(...(await linesUntilKilled(file, webhook.id, 20 * kill + kill)))
      const storage = sqliteStorage(file)
      for (const id of acknowledged) expect(await storage.getEvent(id, tenantId), id).not.toBeNull()
      // All or nothing: an event that is there has both of its deliveries.
      const { data } = await storage.listEvents({ tenantId, limit: 10 })
      for (const { id } of data) {
        expect((await storage.listDeliveries({ tenantId, eventId: id, limit: 10 })).data).toHaveLength(2)
      }
      await storage.close()
      expect(integrityOf(file)).toEqual(['ok'])
    }
    expect(acknowledged.length).toBeGreaterThan(300)
  })
})

async function preparedFile(): Promise<{ file: string; webhook: { readonly id: string } }> {
  const file = tempFile()
  const webhook = newWebhook()
  const storage = sqliteStorage(file)
  await storage.insertWebhook(webhook)
  await storage.close()
  return { file, webhook }
}

function start(
  task: string,
  file: string,
  webhookId = '',
): ChildProcess & { stdout: NonNullable<ChildProcess['stdout']> } {
  const script = fileURLToPath(new URL('./child.ts', import.meta.url))
  const flags = ['--experimental-strip-types', '--no-warnings']
  return spawn(process.execPath, [...flags, script, task, file, webhookId], { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function linesOf(task: string, file: string): Promise<string[]> {
  const child = start(task, file)
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  const [code] = await once(child, 'close')
  expect(code).toBe(0)
  return lines(text)
}

async function linesUntilKilled(file: string, webhookId: string, count: number): Promise<string[]> {
  const child = start('enqueue', file, webhookId)
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
    if (lines(text).length >= count) child.kill('SIGKILL')
  })
  const [, signal] = await once(child, 'close')
  expect(signal).toBe('SIGKILL')
  return lines(text)
}

/** The whole lines: a kill may cut the last one off. */
function lines(text: string): string[] {
  return text.split('\n').slice(0, -1)
}

function integrityOf(file: string): unknown[] {
  const database = new DatabaseSync(file)
  const rows = database.prepare('PRAGMA integrity_check').all()
  database.close()
  return rows.map((row) => row['integrity_check'])
}
