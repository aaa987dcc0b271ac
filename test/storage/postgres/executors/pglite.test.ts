import { PGlite } from '@electric-sql/pglite'
import { describe, expect, it } from 'vitest'
import { fromPglite } from '../../../../src/storage/postgres/executors/pglite.ts'
import { testExecutor } from './executor-cases.ts'
import { wrong } from './wrong-handle.ts'

await testExecutor('fromPglite', 'embedded', async () => {
  const pglite = await PGlite.create()
  return {
    outside: fromPglite(pglite),
    // It has one connection, on which a transaction may be open.
    isPool: false,
    transaction: (work) => pglite.transaction((tx) => work(fromPglite(tx))),
    close: () => pglite.close(),
  }
})

describe('fromPglite', () => {
  it('refuses what is no PGlite', () => {
    const message = 'fromPglite takes a PGlite or the tx of its transaction(), not string.'
    expect(() => fromPglite(wrong('memory://'))).toThrow(new TypeError(message))
  })
})
