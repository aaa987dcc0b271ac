import { beforeAll, describe, it } from 'vitest'
import { storageConformance } from '../../../src/storage/conformance/conformance.ts'
import { clients, createTestDatabase, type TestDatabase } from './test-database.ts'

for (const { name, isSkipped, connect } of clients) {
  describe.skipIf(isSkipped)(`postgresStorage on ${name}`, () => {
    let database: TestDatabase
    beforeAll(async () => {
      database = await createTestDatabase(connect)
      return database.drop
    })

    storageConformance({ describe, it }, { createStorage: ({ clock }) => database.emptyStorage({ clock }) })
  })
}
