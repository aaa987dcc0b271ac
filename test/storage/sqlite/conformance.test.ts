import Database from 'libsql'
import { describe, it } from 'vitest'
import { storageConformance } from '../../../src/storage/conformance/conformance.ts'
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite-storage.ts'

// Node 20 has no node:sqlite.
describe.skipIf(process.getBuiltinModule('node:sqlite') === undefined)('sqliteStorage on node:sqlite', () => {
  storageConformance({ describe, it }, { createStorage: ({ clock }) => sqliteStorage(':memory:', { clock }) })
})

describe("sqliteStorage on a database of better-sqlite3's shape", () => {
  storageConformance(
    { describe, it },
    { createStorage: ({ clock }) => sqliteStorage(new Database(':memory:'), { clock }) },
  )
})
