import { PosthornError } from '../../domain/error.ts'
import type { SqlExecutor } from '../sql-executor.ts'
import { clientBehind, isPoolExecutor } from './executors/executor.ts'
import { fromTypeOrm, type TypeOrmHandle } from './executors/typeorm.ts'
import { hasMethod } from './has-method.ts'
import { isClient, toExecutor } from './postgres-client.ts'

/**
 * Makes the caller's open transaction one. What is in none would commit each statement by itself, and is refused: a pool always, a
 * connection where its driver tells that no transaction is open on it.
 */
export function toTransaction(tx: unknown): SqlExecutor {
  const given = isTypeOrm(tx) ? fromTypeOrm(tx) : tx
  if (isPool(given)) {
    throw notJoinable(
      'is a pool or database, which runs each statement on any of its connections: ' +
        'pass the client, or what wraps the trx, on which the transaction is open',
    )
  }
  const wrapper = wrapperFor(given)
  if (wrapper !== undefined) throw notJoinable(`is the ORM's own: pass ${wrapper}, of posthorn/postgres`)
  if (!isClient(given)) {
    throw notJoinable(
      'is no Postgres client: pass the client on which the transaction is open, or wrap it in an SqlExecutor',
    )
  }
  if (isIdle(clientBehind(given) ?? given)) {
    throw notJoinable('has no open transaction: begin one on it first, and wait until it has begun')
  }
  return toExecutor(given)
}

function isPool(tx: unknown): boolean {
  if (isPoolExecutor(tx)) return true
  // Of postgres.js and of pg. The transactions of Sequelize have begin() too, and are no clients.
  return isClient(tx) && (hasMethod(tx, 'begin') || 'totalCount' in tx)
}

/** Whether a driver says that no transaction is open on its connection. Many say nothing. */
function isIdle(connection: object): boolean {
  // Of pg, I for idle, which old releases do not tell; of PGlite; of TypeORM's query runners.
  if (hasMethod(connection, 'getTransactionStatus')) return call(connection, 'getTransactionStatus') === 'I'
  if (hasMethod(connection, 'isInTransaction')) return call(connection, 'isInTransaction') === false
  return Reflect.get(connection, 'isTransactionActive') === false
}

function call(connection: object, method: string): unknown {
  return Reflect.apply(Reflect.get(connection, method), connection, [])
}

/** Its data sources, managers and query runners pass for clients, by their `query`. */
function isTypeOrm(tx: unknown): tx is TypeOrmHandle & object {
  const isOne = typeof tx === 'object' && tx !== null && hasMethod(tx, 'query')
  return isOne && ('isTransactionActive' in tx || hasMethod(tx, 'getTreeRepository'))
}

/** What to pass in place of a bare handle of an ORM's, by a method that only its handles have. */
function wrapperFor(tx: unknown): string | undefined {
  // A client may have any other methods too, but Sequelize's own query() takes no parameters as we pass them.
  if (isClient(tx) && !hasMethod(tx, 'getQueryInterface')) return undefined
  return wrappers.find(([method]) => hasMethod(tx, method))?.[1]
}

const wrappers = [
  ['withoutPlugins', 'fromKysely(trx)'],
  ['$queryRawUnsafe', 'fromPrisma(tx)'],
  ['getQueryInterface', 'fromSequelize(sequelize, transaction)'],
  ['prepareEnvironment', 'fromSequelize(sequelize, transaction)'], // of its transactions
  ['raw', 'fromKnex(trx)'],
  ['execute', 'fromDrizzle(tx)'],
] as const

function notJoinable(problem: string): PosthornError {
  return new PosthornError('TRANSACTIONS_UNSUPPORTED', `tx ${problem}.`)
}
