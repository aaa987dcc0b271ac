import { beforeAll, describe, it } from 'vitest'
import { assertFollowsModel } from '../model.ts'
import { clients, createTestDatabase, type TestDatabase } from './test-database.ts'

for (const { name, isSkipped, connect } of clients) {
  describe.skipIf(isSkipped)(`deliveries under random operations on ${name}`, () => {
    let database: TestDatabase
    beforeAll(async () => {
      database = await createTestDatabase(connect)
      return database.drop
    })

    it('follow the model', { timeout: 60_000 }, async () => {
      await assertFollowsModel(({ clock }) => database.emptyStorage({ clock }))
    })
  })
}
