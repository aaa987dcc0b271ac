import type { KillGround } from './kill.ts'
import { postgresStage } from './postgres-stage.ts'
import { startPrivateCluster } from './private-cluster.ts'
import { sqliteStage } from './sqlite-stage.ts'

/** Runs on a Postgres server of its own, with three workers. */
export async function onPostgres<Result>(run: (ground: KillGround) => Promise<Result>): Promise<Result> {
  const cluster = await startPrivateCluster()
  try {
    return await run({ stage: async (options) => await postgresStage(cluster, options), workers: 3, cluster })
  } finally {
    cluster.remove()
  }
}

/** Runs on a SQLite file, with as many workers; one unless given. */
export async function onSqlite<Result>(run: (ground: KillGround) => Promise<Result>, workers = 1): Promise<Result> {
  return await run({ stage: sqliteStage, workers })
}
