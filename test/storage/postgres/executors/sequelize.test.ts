import { Sequelize } from 'sequelize'
import { describe, expect, it } from 'vitest'
import { fromSequelize } from '../../../../src/storage/postgres/executors/sequelize.ts'
import { testExecutor } from './executor-cases.ts'
import { wrong } from './wrong-handle.ts'

await testExecutor('fromSequelize', 'server', async (url) => {
  const sequelize = new Sequelize(url, { logging: false })
  return {
    outside: fromSequelize(sequelize, null),
    transaction: (work) => sequelize.transaction((transaction) => work(fromSequelize(sequelize, transaction))),
    close: () => sequelize.close(),
  }
})

// Options for every query of the app: one row only, names nested at their dots, and a statement put before each.
await testExecutor('fromSequelize with defaults of the app', 'server', async (url) => {
  const dialectOptions = { prependSearchPath: true }
  const sequelize = new Sequelize(url, { logging: false, dialectOptions, query: { plain: true, nest: true } })
  return {
    outside: fromSequelize(sequelize, null),
    transaction: (work) => sequelize.transaction((transaction) => work(fromSequelize(sequelize, transaction))),
    close: () => sequelize.close(),
  }
})

describe('fromSequelize', () => {
  const sequelize = new Sequelize('postgres://127.0.0.1/test')

  it('refuses what is no Sequelize', () => {
    const message = 'fromSequelize takes a Sequelize on Postgres and a transaction of it, not object.'
    expect(() => fromSequelize(wrong({}), null)).toThrow(new TypeError(message))
  })

  it('refuses a transaction that is none, and one that is missing', () => {
    const message =
      'fromSequelize takes a Sequelize on Postgres and a transaction of it, or null for none, as its transaction, not undefined.'
    expect(() => fromSequelize(sequelize, wrong(undefined))).toThrow(new TypeError(message))
    expect(() => fromSequelize(sequelize, wrong({ transaction: {} }))).toThrow(TypeError)
  })
})
