export {
  postgresIdempotency,
  type PostgresIdempotency,
  type PostgresIdempotencyOptions,
} from './receiver/idempotency/postgres-idempotency.ts'
export {
  postgresStorage,
  type PostgresStorage,
  type PostgresStorageOptions,
} from './storage/postgres/postgres-storage.ts'
export {
  type PostgresMigration,
  postgresMigrations,
  type PostgresMigrationsOptions,
} from './storage/postgres/migrations.ts'
export type { ListeningClient, PgListener, PostgresListener } from './storage/postgres/listener.ts'
export type { PgQueryable, PgResult, PostgresClient, PostgresJs } from './storage/postgres/postgres-client.ts'
export type { SqlExecutor, SqlParameter } from './storage/sql-executor.ts'
export { type DrizzleHandle, fromDrizzle } from './storage/postgres/executors/drizzle.ts'
export { fromKnex, type KnexHandle } from './storage/postgres/executors/knex.ts'
export {
  fromKysely,
  type KyselyHandle,
  type KyselyQuery,
  type KyselyRunner,
} from './storage/postgres/executors/kysely.ts'
export { fromPg } from './storage/postgres/executors/pg.ts'
export { fromPglite } from './storage/postgres/executors/pglite.ts'
export { fromPostgresJs } from './storage/postgres/executors/postgres-js.ts'
export { fromPrisma, type PrismaHandle } from './storage/postgres/executors/prisma.ts'
export {
  fromSequelize,
  type SequelizeHandle,
  type SequelizeQueryOptions,
} from './storage/postgres/executors/sequelize.ts'
export { fromTypeOrm, type TypeOrmHandle } from './storage/postgres/executors/typeorm.ts'
