import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
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
