import { Claims } from './claim.ts'
import { Connection } from './connection.ts'
import { GroupCommit } from './group-commit.ts'
import { openDatabase } from './open-database.ts'
import { setPragmas } from './pragmas.ts'
import { Purge } from './purge.ts'
import { migrate } from './schema.ts'
import type { SqliteDatabase } from './sqlite-database.ts'

/** What there is from opening a storage to closing it. */
export interface Session {
  readonly connection: Connection
  readonly group: GroupCommit
  readonly claims: Claims
  readonly purge: Purge
  /** Closes the database, if it was opened here. */
  release(): void
}

/** Opens the database of a path, or takes the one given, and brings its tables up to date. */
export function openSession(source: string | SqliteDatabase, busyTimeoutMs: number): Session {
  const own = typeof source === 'string' ? openDatabase(source) : null
  const connection = new Connection(own ?? (source as SqliteDatabase))
  try {
    connection.guard(() => setPragmas(connection, busyTimeoutMs))
    connection.guard(() => migrate(connection))
  } catch (error) {
    own?.close()
    throw error
  }
  return {
    connection,
    group: new GroupCommit((work) => connection.write(work)),
    claims: new Claims(connection),
    purge: new Purge(connection),
    release: () => own?.close(),
  }
}
