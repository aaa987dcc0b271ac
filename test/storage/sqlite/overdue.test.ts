import { describe, expect, it } from 'vitest'
import type { Storage } from '../../../src/storage/storage.ts'
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite-storage.ts'
import { newEvent, newWebhook } from './rows.ts'

describe('overdue of sqliteStorage', () => {
  it('goes round more webhooks than one call may probe, whatever those give that have nothing overdue', async () => {
    let nowMs = 0
    const storage = sqliteStorage(':memory:', { clock: () => nowMs })
    const webhooks = Array.from({ length: 450 }, () => newWebhook())
    for (const webhook of webhooks) await storage.insertWebhook(webhook)
    const [some, rest] = [webhooks.filter((_, n) => n % 45 === 0), webhooks.filter((_, n) => n % 45 !== 0)]
    await storage.enqueue([newEvent(some)])
    nowMs = 1000
    await storage.enqueue([newEvent(rest)])
    const counts = []
    const found = new Set<string>()
    for (let call = 0; call < 3; call++) {
      const ids = await storage.overdue({ limit: 3, byMs: 1000 })
      counts.push(ids.length)
      for (const id of ids) found.add(id)
    }
    expect(counts).toEqual([3, 3, 3])
    expect(found.size).toBe(9)
    await overdueAll(storage, found)
    expect(found.size).toBe(10)
  })

  it('gives nothing where nothing is asked for', async () => {
    const storage = sqliteStorage(':memory:')
    const webhook = newWebhook()
    await storage.insertWebhook(webhook)
    await storage.enqueue([newEvent([webhook])])
    expect(await storage.overdue({ limit: 0, byMs: 0 })).toEqual([])
    expect(await storage.overdue({ limit: 1, byMs: 0 })).toHaveLength(1)
  })

  it('reads more of a webhook where others have little', async () => {
    const storage = sqliteStorage(':memory:')
    const [busy, quiet] = [newWebhook(), newWebhook()]
    for (const webhook of [busy, quiet]) await storage.insertWebhook(webhook)
    await storage.enqueue(Array.from({ length: 900 }, () => newEvent([busy])))
    await storage.enqueue([newEvent([quiet])])
    expect(await storage.overdue({ limit: 1000, byMs: 0 })).toHaveLength(901)
  })
})

async function overdueAll(storage: Storage, found: Set<string>): Promise<void> {
  for (let call = 0; call < 3; call++) {
    for (const id of await storage.overdue({ limit: 3, byMs: 1000 })) found.add(id)
  }
}
