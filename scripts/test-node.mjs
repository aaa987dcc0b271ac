// Runs the core tests on the older Node lines that package.json "engines" promises, and the address guard on the next one too: it stands on
// what sockets, name resolution and TLS of Node do.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeBinary, nodeVersion } from './node-versions.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
// What may differ from one Node to the next. SQL does not: of Postgres, one file that goes through all operations is enough.
const core = [
  ...['test/domain/', 'test/signing/', 'test/registry/', 'test/delivery/', 'test/http/'],
  ...['test/storage/memory/', 'test/storage/sqlite/', 'test/storage/postgres/postgres-storage.test.ts'],
]
const guard = ['test/registry/address-policy/', 'test/delivery/guard/', 'test/delivery/misbehaving-receivers.test.ts']
// node:sqlite needs no flag from Node 22.13 on; Node 20 has none, and runs the conformance suite on better-sqlite3's shape.
const needsNodeSqlite = ['test/storage/sqlite/!(conformance).test.ts']
const suites = new Map([
  [20, [...core, ...needsNodeSqlite.map((pattern) => `--exclude=${pattern}`)]],
  [22, core],
  [26, guard],
])

const failed = [...suites].filter(([major, selection]) => !passes(major, selection)).map(([major]) => `Node ${major}`)
console.log(failed.length === 0 ? '\ntest:node passed' : `\ntest:node FAILED on ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1

function passes(major, selection) {
  const binary = nodeBinary(major)
  const existing = selection.filter((each) => each.startsWith('--') || existsSync(join(root, each)))
  console.log(`\nNode ${nodeVersion(binary)}: ${existing.join(' ')}`)
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const args = [vitest, 'run', ...existing, '--typecheck.enabled=false']
  return existing.length > 0 && spawnSync(binary, args, { cwd: root, stdio: 'inherit' }).status === 0
}
