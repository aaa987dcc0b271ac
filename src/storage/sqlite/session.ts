import type { Clock } from '../../domain/clock.ts'
import { PosthornError } from '../../domain/error.ts'
import { Claims } from './claim.ts'
import { Connection } from './connection.ts'
import { GroupCommit } from './group-commit.ts'
import { isInTransaction, JoinedTransactions } from './joined-transactions.ts'
import { KeptClock } from './kept-clock.ts'
import { openDatabase } from './open-database.ts'
import { setPragmas } from './pragmas.ts'
import { Overdue } from './overdue.ts'
import { Purge } from './purge.ts'
import { migrate } from './schema.ts'
import type { SqliteDatabase } from './sqlite-database.ts'

/** What there is from opening a storage to closing it. */
export interface Session {
  readonly connection: Connection
  readonly group: GroupCommit
  readonly joined: JoinedTransactions
  readonly claims: Claims
  readonly overdue: Overdue
  readonly purge: Purge
  readonly time: KeptClock
  /** Runs `work` in a transaction. */
  readonly write: <T>(work: () => T) => T
  /** Closes the database, if it was opened here. */
  release(): void
}

/** Opens the database of a path, or takes the one given, and brings its tables up to date. */
export function openSession(source: string | SqliteDatabase, clock: Clock, busyTimeoutMs: number): Session {
  const own = typeof source === 'string' ? openDatabase(source) : null
  const database = own ?? (source as SqliteDatabase) // a text was opened
  if (isInTransaction(database) === true) {
    const message =
      'The SQLite storage cannot be opened while a transaction is open on its database: await open() before BEGIN.'
    throw new PosthornError('STORAGE_UNAVAILABLE', message)
  }
  const connection = new Connection(database)
  try {
    connection.guard(() => setPragmas(connection, busyTimeoutMs))
    connection.guard(() => migrate(connection))
  } catch (error) {
    own?.close()
    throw error
  }
  const time = new KeptClock(connection, clock)
  const write = <T>(work: () => T) =>
    connection.write(() => {
      time.keep()
      return work()
    })
  const joined = new JoinedTransactions(database, { patienceMs: Math.max(busyTimeoutMs, 1000) })
  return {
    connection,
    joined,
    time,
    write,
    group: new GroupCommit(write, { isBlocked: () => joined.isOpen() }),
    claims: new Claims(connection, write),
    overdue: new Overdue(connection, write),
    purge: new Purge(connection),
    release: () => own?.close(),
  }
}
