import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import type { SqliteDatabase } from '../../../src/storage/sqlite/sqlite-database.ts'
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite-storage.ts'
import { newWebhook } from './rows.ts'
import { tempFile } from './temp-file.ts'

describe('opening sqliteStorage beside another process', () => {
  it('finds the tables that the other created while it waited for the lock', async () => {
    const file = tempFile()
    const database = new DatabaseSync(file)
    const other = new DatabaseSync(file)
    let opened = Promise.resolve()
    const storage = sqliteStorage(
      before(database, 'BEGIN IMMEDIATE', () => {
        opened = sqliteStorage(other).open()
      }),
    )
    await storage.open()
    await opened
    await storage.insertWebhook(newWebhook())
    expect(database.prepare('SELECT version FROM posthorn_schema').all()).toHaveLength(1)
    other.close()
    database.close()
  })

  it('tries again where the other holds the lock at the switch to WAL', async () => {
    const file = tempFile()
    const database = new DatabaseSync(file)
    const other = new DatabaseSync(file)
    other.exec('BEGIN EXCLUSIVE')
    let refusals = 0
    const storage = sqliteStorage(
      before(database, 'PRAGMA journal_mode = WAL', () => {
        try {
          // As SQLite does where waiting could be a deadlock: it refuses at once, whatever the timeout.
          database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL')
        } catch (error) {
          refusals++
          other.exec('COMMIT')
          throw error
        }
      }),
    )
    await storage.open()
    expect(refusals).toBe(1)
    await storage.insertWebhook(newWebhook())
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    other.close()
    database.close()
  })
})

describe('version 3 of the schema of sqliteStorage', () => {
  it('adds to a database of version 2 the indexes of what did not succeed', async () => {
    const database = new DatabaseSync(tempFile())
    await sqliteStorage(database).open()
    database.exec(`DROP INDEX posthorn_deliveries_undelivered; DROP INDEX posthorn_deliveries_undelivered_of_webhook;
      DROP INDEX posthorn_deliveries_queued;
      UPDATE posthorn_schema SET version = 2`)
    const storage = sqliteStorage(database)
    const page = { tenantId: 'acme', limit: 1, state: 'failed' } as const
    expect(await storage.listDeliveries(page)).toEqual({ data: [], nextCursor: null })
    expect(await storage.listDeliveries({ ...page, webhookId: newWebhook().id })).toEqual({
      data: [],
      nextCursor: null,
    })
    expect(database.prepare('SELECT version FROM posthorn_schema').get()).toEqual({ version: 3 })
    database.close()
  })
})

/** A database on which something happens just before a statement is executed for the first time. */
function before(database: DatabaseSync, statement: string, happen: () => void): SqliteDatabase {
  let hasHappened = false
  return {
    exec: (sql) => {
      if (sql === statement && !hasHappened) {
        hasHappened = true
        happen()
      }
      database.exec(sql)
    },
    prepare: (sql) => database.prepare(sql),
  }
}
