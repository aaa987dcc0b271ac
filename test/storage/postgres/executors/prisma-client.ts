import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { PrismaPg } from '@prisma/adapter-pg'

/** Generates the client that Prisma has an app generate: in a folder that git ignores, from where its imports resolve. */
export async function generatePrismaClient(): Promise<PrismaClientConstructor> {
  await mkdir(join(root, '.cache'), { recursive: true })
  const folder = await mkdtemp(join(root, '.cache/prisma-'))
  try {
    await writeFile(join(folder, 'schema.prisma'), schema)
    await promisify(execFile)(process.execPath, [prismaCli, 'generate', '--schema', join(folder, 'schema.prisma')], {
      cwd: folder,
      // Generating does not run the schema engine, but Prisma downloads it first unless told of one. Any file does.
      env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
    })
    const generated: unknown = await import(pathToFileURL(join(folder, 'client/client.ts')).href)
    // Generated at run time, so its types are not there for the compiler.
    return (generated as { PrismaClient: PrismaClientConstructor }).PrismaClient
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The class that Prisma generates. */
export type PrismaClientConstructor = new (options: { adapter: PrismaPg }) => PrismaClient

/** What the tests use of it, with the types that Prisma generates. */
export interface PrismaClient {
  $queryRawUnsafe<T = unknown>(query: string, ...values: unknown[]): Promise<T>
  $transaction<R>(
    work: (tx: Pick<PrismaClient, '$queryRawUnsafe'>) => Promise<R>,
    options: { timeout: number },
  ): Promise<R>
  $extends(extension: object): PrismaClient
  $disconnect(): Promise<void>
}

const root = fileURLToPath(new URL('../../../../', import.meta.url))

const prismaCli = join(root, 'node_modules/prisma/build/index.js')

const schema = `
generator client {
  provider = "prisma-client"
  output   = "./client"
}
datasource db {
  provider = "postgresql"
}
model Thing {
  id Int @id
}
`
