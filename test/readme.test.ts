import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { buildPackage } from './support/built-package.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

// Another port than the README's, which may be taken here.
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server has an AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe("the README's first program", () => {
  it('runs as it stands, with types stripped, against the built package', async () => {
    const readme = await readFile(`${root}README.md`, 'utf8')
    const [, program = ''] = /## A complete program[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme) ?? []
    expect(program).toContain("from 'posthorn'")
    buildPackage()
    // Inside the repository, so that `posthorn` means this package.
    const folder = `${root}.cache/readme-${process.pid}`
    await mkdir(folder, { recursive: true })
    try {
      await writeFile(`${folder}/program.ts`, program.replaceAll('4200', String(await freePort())))
      const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', `${folder}/program.ts`], {
        timeout: 15_000,
      })
      expect(stdout).toMatch(/^received \{\n {2}id: '[0-9a-f-]{36}',\n {2}type: 'execution.completed',/)
      expect(stdout).toContain("data: { executionId: '42' }")
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('the code blocks of the documentation', () => {
  it('compile as they stand, with nothing but the names of an app around them', { timeout: 120_000 }, async () => {
    const folder = `${root}.cache/blocks-${process.pid}`
    await mkdir(folder, { recursive: true })
    try {
      const files = (await Promise.all(pages.map((page) => writeBlocks(page, folder)))).flat()
      expect(files.length).toBeGreaterThan(15)
      await writeFile(`${folder}/app.d.ts`, app)
      await writeFile(`${folder}/my-storage.ts`, myStorage)
      expect(compileErrors([`${folder}/app.d.ts`, ...files])).toEqual([])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

const pages = ['README.md', 'docs/receiving.md', 'docs/scaling.md']

// What the blocks are about, made in earlier ones or by the reader. What a package exports is not here: each block imports it.
const app = `
declare const storage: import('posthorn').Storage
declare const registry: import('posthorn').WebhookRegistry
declare const dispatcher: import('posthorn').EventDispatcher
declare const request: Request
declare const id: string
declare const url: string
declare const secret: string
declare const headers: Headers
declare const body: Uint8Array
declare const database: import('node:sqlite').DatabaseSync
declare const db: import('kysely').Kysely<{ orders: { id: string } }>
declare const app: import('express').Express
declare function userOf(request: Request): Promise<{ id: string; accountId: string } | null>
declare function markPaid(orderId: string): Promise<void>
`

const myStorage = `
import type { Clock, Storage } from 'posthorn'
export declare function myStorage(options: { clock: Clock }): Storage
`

/** Writes each block as a module, named by its page and line. */
async function writeBlocks(page: string, folder: string): Promise<string[]> {
  const text = await readFile(root + page, 'utf8')
  return await Promise.all(
    [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(async ({ 1: block = '', index }) => {
      const line = text.slice(0, index).split('\n').length
      const path = `${folder}/${page.replaceAll('/', '-')}-${line}.ts`
      await writeFile(path, `${block.replace('../src/my-storage.ts', './my-storage.ts')}\nexport {}\n`)
      return path
    }),
  )
}

function compileErrors(files: readonly string[]): string[] {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, (path) => ts.sys.readFile(path))
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  // A block shows how a name is made, not what is done with it.
  const program = ts.createProgram(files, { ...options, noUnusedLocals: false })
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const { line = 0 } = file?.getLineAndCharacterOfPosition(start) ?? {}
    return `${file?.fileName.split('/').at(-1)}, ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
}
