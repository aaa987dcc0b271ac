import { PrismaPg } from '@prisma/adapter-pg'
import { describe, expect, it } from 'vitest'
import { fromPrisma } from '../../../../src/storage/postgres/executors/prisma.ts'
import { testExecutor } from './executor-cases.ts'
import { generatePrismaClient } from './prisma-client.ts'
import { wrong } from './wrong-handle.ts'

const PrismaClient = await generatePrismaClient()

await testExecutor('fromPrisma', 'server', async (url) => {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) })
  return {
    outside: fromPrisma(prisma),
    transaction: (work) => prisma.$transaction((tx) => work(fromPrisma(tx)), { timeout: 20_000 }),
    close: () => prisma.$disconnect(),
  }
})

await testExecutor('fromPrisma with an extended client', 'server', async (url) => {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) }).$extends({})
  return {
    outside: fromPrisma(prisma),
    transaction: (work) => prisma.$transaction((tx) => work(fromPrisma(tx)), { timeout: 20_000 }),
    close: () => prisma.$disconnect(),
  }
})

describe('fromPrisma', () => {
  it('refuses what is no client of Prisma', () => {
    const message =
      'fromPrisma takes the tx of $transaction(async (tx) => …), or a PrismaClient, of Prisma on Postgres, not object.'
    expect(() => fromPrisma(wrong({ query: () => [] }))).toThrow(new TypeError(message))
  })
})
