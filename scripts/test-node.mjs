// Runs the core tests on the older Node lines that package.json "engines" promises.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeBinary, nodeVersion } from './node-versions.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const core = ['test/domain/', 'test/signing/', 'test/registry/', 'test/delivery/', 'test/storage/', 'test/http/']
// node:sqlite needs no flag from Node 22.13 on; Node 20 has none, and runs the conformance suite on better-sqlite3's shape.
const needsNodeSqlite = ['test/storage/sqlite/!(conformance).test.ts', 'test/storage/model.test.ts']
const suites = new Map([
  [20, needsNodeSqlite.map((pattern) => `--exclude=${pattern}`)],
  [22, []],
])

const failed = [...suites].filter(([major, flags]) => !passes(major, flags)).map(([major]) => `Node ${major}`)
console.log(failed.length === 0 ? '\ntest:node passed' : `\ntest:node FAILED on ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1

function passes(major, flags) {
  const binary = nodeBinary(major)
  const folders = core.filter((folder) => existsSync(join(root, folder)))
  console.log(`\nNode ${nodeVersion(binary)}: ${folders.join(' ')} ${flags.join(' ')}`)
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const args = [vitest, 'run', ...folders, ...flags, '--typecheck.enabled=false']
  return folders.length > 0 && spawnSync(binary, args, { cwd: root, stdio: 'inherit' }).status === 0
}
