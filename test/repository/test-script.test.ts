import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/test.mjs', import.meta.url))

describe('scripts/test.mjs --unless-passed', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'posthorn-test-script-'))
    for (const inside of ['scripts', 'node_modules/vitest']) mkdirSync(join(folder, inside), { recursive: true })
    cpSync(script, join(folder, 'scripts/test.mjs'))
    writeFileSync(join(folder, 'scripts/build-if-stale.mjs'), '')
    writeFileSync(
      join(folder, 'node_modules/vitest/vitest.mjs'),
      `import { appendFileSync } from 'node:fs'
       appendFileSync(new URL('runs', import.meta.url), process.argv.slice(2).join(' ') + '\\n')
       process.exitCode = Number(process.env.STATUS ?? 0)`,
    )
    writeFileSync(join(folder, '.gitignore'), 'node_modules\n')
    git('init', '--quiet')
    commit()
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const git = (...parameters: string[]) => execFileSync('git', parameters, { cwd: folder, stdio: 'ignore' })
  const commit = () => {
    git('add', '--all')
    git('-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '--quiet', '--allow-empty', '-m', 'all')
  }
  const run = (parameters: readonly string[] = [], env: Readonly<Record<string, string>> = {}) =>
    spawnSync(process.execPath, [join(folder, 'scripts/test.mjs'), ...parameters], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: 'ignore',
    }).status
  const runs = () => readFileSync(join(folder, 'node_modules/vitest/runs'), 'utf8').trim().split('\n')
  const unlessPassed = ['--unless-passed']

  it('leaves out what has passed on the same files, and only that', () => {
    expect(run(unlessPassed)).toBe(0)
    expect(run(unlessPassed)).toBe(0)
    expect(runs()).toEqual(['run'])
    expect(run()).toBe(0)
    expect(runs()).toHaveLength(2)
  })

  it('runs again after files were changed, committed or not', () => {
    run()
    writeFileSync(join(folder, 'changed.ts'), '')
    run(unlessPassed)
    // What passed with files that nobody has committed says nothing about any commit.
    run(unlessPassed)
    expect(runs()).toHaveLength(3)
    commit()
    run(unlessPassed)
    expect(runs()).toHaveLength(4)
  })

  it('runs again after a run that failed, was told which files to run, or was made with CI set otherwise', () => {
    expect(run([], { STATUS: '1' })).toBe(1)
    expect(run(unlessPassed, { STATUS: '1' })).toBe(1)
    expect(run(['some.test.ts'])).toBe(0)
    run(unlessPassed, { CI: '' })
    run(unlessPassed, { CI: 'true' })
    expect(runs()).toEqual(['run', 'run', 'run some.test.ts', 'run', 'run'])
  })

  it('forgets that the tests have passed once they fail', () => {
    run()
    run([], { STATUS: '1' })
    run(unlessPassed)
    expect(runs()).toHaveLength(3)
  })
})
