import { PosthornError } from '../../domain/error.ts'
import type { Database } from './database.ts'
import type { PostgresMigration } from './migrations.ts'
import { isMissing, schemaMissing } from './storage-failed.ts'

/** Refuses tables that are missing, or of another version than this code is written for. */
export async function assertVersion(database: Database, known: number): Promise<void> {
  const version = await storedVersion(database)
  if (version < known) throw schemaMissing()
  assertNotNewer(version, known)
}

/** Runs the migrations that are missing, in one statement: any client will do, and whatever happens, all of it is done or nothing. */
export async function migrate(database: Database, migrations: readonly PostgresMigration[]): Promise<void> {
  const { schema, version } = database.names
  const steps = migrations.map((step) => `IF stored < ${step.version} THEN ${step.sql} END IF;`)
  // The version is read under the lock: another process may have migrated while this one waited.
  await database.execute(`DO $posthorn$
DECLARE stored integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('posthorn:${schema}', 0));
  IF to_regclass('${version}') IS NOT NULL THEN SELECT s.version INTO stored FROM ${version} s; END IF;
${steps.join('\n')}
END $posthorn$`)
  assertNotNewer(await storedVersion(database), migrations.length)
}

async function storedVersion(database: Database): Promise<number> {
  const { version } = database.names
  // A statement that fails would end the caller's transaction.
  if (
    database.isJoined &&
    (await database.one<{ at: string | null }>(`SELECT to_regclass('${version}') AS at`)).at === null
  )
    return 0
  try {
    const row = await database.first<{ version: number }>(`SELECT version FROM ${version}`)
    return row?.version ?? 0
  } catch (error) {
    if (error instanceof PosthornError && isMissing(error.cause)) return 0
    throw error
  }
}

function assertNotNewer(version: number, known: number): void {
  if (version <= known) return
  throw new PosthornError(
    'STORAGE_SCHEMA',
    `The Postgres database has Posthorn's schema in version ${version}, this release knows ${known}. Upgrade posthorn.`,
  )
}
