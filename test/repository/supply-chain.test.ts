import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { buildPackage } from '../support/built-package.ts'
import { repositoryRoot } from './source-tree.ts'

const run = (script: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(repositoryRoot, 'scripts', script), ...args], { encoding: 'utf8' })

type Entry = Record<string, unknown>
type Packages = Record<string, Entry>

/** Runs the lock file's check on a lock file that was tampered with. */
function checkLock(tamper: (packages: Packages) => void) {
  const lock = JSON.parse(readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8')) as { packages: Packages }
  tamper(lock.packages)
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-lock-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'package-lock.json')
  writeFileSync(path, JSON.stringify(lock))
  return run('lockfile-check.mjs', path)
}

const zod = 'node_modules/zod'

describe('scripts/lockfile-check.mjs', () => {
  it('passes the lock file', () => {
    expect(run('lockfile-check.mjs')).toMatchObject({ status: 0, stderr: '' })
  })

  it.each<[string, RegExp, (packages: Packages) => void]>([
    ['a package without integrity', /zod has no sha512/, (packages) => delete packages[zod]?.['integrity']],
    ['a weaker hash', /zod has no sha512/, (packages) => Object.assign(packages[zod]!, { integrity: 'sha1-AAAA' })],
    [
      'a git repository',
      /zod is taken from git\+ssh/,
      (packages) => Object.assign(packages[zod]!, { resolved: 'git+ssh://git@example.com/zod.git#abc' }),
    ],
    ['a file', /zod is taken from file:/, (packages) => Object.assign(packages[zod]!, { resolved: 'file:../zod.tgz' })],
    [
      'the host of a registry',
      /zod is taken from https:/,
      (packages) => Object.assign(packages[zod]!, { resolved: 'https://example.com/zod.tgz' }),
    ],
    [
      'a link out of the workspaces',
      /zod links to/,
      (packages) => (packages[zod] = { link: true, resolved: '../zod' }),
    ],
    [
      'a run-time dependency with an install script',
      /zod runs a script/,
      (packages) => Object.assign(packages[zod]!, { hasInstallScript: true }),
    ],
    [
      'an unknown install script',
      /express runs a script/,
      (packages) => Object.assign(packages['node_modules/express']!, { hasInstallScript: true }),
    ],
    [
      'a dependency on a branch',
      /zod from github:/,
      (packages) => Object.assign(packages['']!, { dependencies: { zod: 'github:a/b' } }),
    ],
    [
      'a dependency on a URL',
      /zod from https:/,
      (packages) => Object.assign(packages['']!, { dependencies: { zod: 'https://example.com/z.tgz' } }),
    ],
  ])('refuses %s', (_, message, tamper) => {
    const { status, stderr } = checkLock(tamper)
    expect([status, stderr]).toEqual([1, expect.stringMatching(message)])
  })
})

describe('docs/licences.md', () => {
  it('is up to date', () => {
    expect(run('licences.mjs', '--check')).toMatchObject({ status: 0, stderr: '' })
  })
})

describe('the packed tarball', () => {
  const report = z.array(z.object({ files: z.array(z.object({ path: z.string() })) }))

  it('holds the files of the snapshot and no others', { timeout: 120_000 }, async () => {
    buildPackage()
    const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error']
    const output = execFileSync('npm', args, { cwd: repositoryRoot, encoding: 'utf8' })
    const [packed] = report.parse(Object.values(JSON.parse(output) as object))
    const paths = packed?.files.map(({ path }) => path) ?? []
    // Declarations are built by pack:check, which looks at them; the parts that doors share are named by their content.
    const names = paths
      .filter((path) => !/\.d\.c?ts$/.test(path))
      .map((path) => path.replace(/-[A-Z0-9]{8}(?=\.c?js$)/, '-*'))
    const listing = [...new Set(names)].toSorted().map((name) => `${name}\n`)
    await expect(listing.join('')).toMatchFileSnapshot('tarball.txt')
  })
})
