import type { KillGround } from './kill.ts'
import { postgresStage } from './postgres-stage.ts'
import { startPrivateCluster, type PrivateCluster } from './private-cluster.ts'
import { sqliteStage } from './sqlite-stage.ts'

// Removed when this process ends.
let shared: Promise<PrivateCluster> | undefined

/** Runs three workers in a database of a private Postgres server. */
export async function onPostgres<Result>(run: (ground: KillGround) => Promise<Result>): Promise<Result> {
  shared ??= startPrivateCluster()
  return await run(groundOn(await shared))
}

/** Runs three workers on a private Postgres server of their own, which may be restarted. */
export async function onOwnPostgres<Result>(run: (ground: KillGround) => Promise<Result>): Promise<Result> {
  const cluster = await startPrivateCluster()
  try {
    return await run({ ...groundOn(cluster), cluster })
  } finally {
    cluster.remove()
  }
}

/** Runs on a SQLite file, with as many workers; one unless given. */
export async function onSqlite<Result>(run: (ground: KillGround) => Promise<Result>, workers = 1): Promise<Result> {
  return await run({ stage: sqliteStage, workers })
}

function groundOn(cluster: PrivateCluster): KillGround {
  return { stage: async (options) => await postgresStage(cluster, options), workers: 3 }
}
