export { sqliteStorage, type SqliteStorageOptions } from './storage/sqlite/sqlite-storage.ts'
export type { SqliteDatabase, SqliteRunResult, SqliteStatement } from './storage/sqlite/sqlite-database.ts'
