export {
  sqliteIdempotency,
  type SqliteIdempotency,
  type SqliteIdempotencyOptions,
} from './receiver/idempotency/sqlite-idempotency.ts'
export { sqliteStorage, type SqliteStorageOptions } from './storage/sqlite/sqlite-storage.ts'
export type { SqliteDatabase, SqliteRunResult, SqliteStatement } from './storage/sqlite/sqlite-database.ts'
