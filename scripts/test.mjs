// Runs the tests. With --unless-passed it leaves them out where they have passed within the last hour on exactly these files, with this
// Node: `.ci/run` calls `npm test` and then `npm run check`, which has the tests too, and they take minutes. A test run that was
// told which files to run proves nothing about the others.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'node_modules/.cache/posthorn')
const stamp = join(folder, 'tests-passed.json')
const validForMs = 3_600_000

const given = process.argv.slice(2)
const mayLeaveOut = given[0] === '--unless-passed'
const filters = mayLeaveOut ? given.slice(1) : given
const tree = treeOf()

if (mayLeaveOut && filters.length === 0 && hasPassed()) {
  console.log(`The tests have passed on these files (${tree.slice(0, 10)}) already; npm test runs them again.`)
} else {
  rmSync(stamp, { force: true })
  process.exitCode = run('scripts/build-if-stale.mjs') || run('node_modules/vitest/vitest.mjs', 'run', ...filters)
  if (process.exitCode === 0 && filters.length === 0 && tree !== '' && treeOf() === tree) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(stamp, JSON.stringify({ tree, node: process.version, ci: process.env.CI ?? '', at: Date.now() }))
  }
}

function run(script, ...rest) {
  return spawnSync(process.execPath, [join(root, script), ...rest], { cwd: root, stdio: 'inherit' }).status ?? 1
}

function hasPassed() {
  if (tree === '') return false
  try {
    const { tree: passed, node, ci, at } = JSON.parse(readFileSync(stamp, 'utf8'))
    return passed === tree && node === process.version && ci === (process.env.CI ?? '') && Date.now() - at < validForMs
  } catch {
    // None, or unreadable: then they have not.
    return false
  }
}

/** What is committed, where that is all there is; empty where files were changed, or outside a repository. */
function treeOf() {
  try {
    return git('status', '--porcelain') === '' ? git('rev-parse', 'HEAD^{tree}').trim() : ''
  } catch {
    return ''
  }
}

function git(...rest) {
  return execFileSync('git', rest, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}
