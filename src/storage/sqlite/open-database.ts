import { PosthornError } from '../../domain/error.ts'
import type { SqliteDatabase } from './sqlite-database.ts'

/** Opens a database file with `node:sqlite`, which is looked for only now: Node 20 does not have it. */
export function openDatabase(path: string): SqliteDatabase & { close(): unknown } {
  const sqlite = process.getBuiltinModule('node:sqlite')
  // The types say that it is always there; before Node 22.13 it is not.
  if ((sqlite as unknown) === undefined) {
    throw new PosthornError(
      'STORAGE_UNAVAILABLE',
      `This runtime (Node ${process.versions.node}) has no node:sqlite. Use Node 22.13 or later, or pass an open database ` +
        `in place of the path: sqliteStorage(new Database('webhooks.db')) with better-sqlite3.`,
    )
  }
  try {
    return new sqlite.DatabaseSync(path)
  } catch (error) {
    throw new PosthornError(
      'STORAGE_UNAVAILABLE',
      `The SQLite database ${path} cannot be opened. See that its folder exists and may be written to.`,
      { cause: error },
    )
  }
}
