import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Builds dist where a source is newer, for tests that run the package as its users do. Test files that want it at once take turns. */
export function buildPackage(): void {
  // A lock of SQLite's, because the system gives it back when its holder dies.
  const lock = new DatabaseSync(join(root, 'node_modules/.posthorn-build.db'), { timeout: 60_000 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
    execFileSync(process.execPath, [join(root, 'scripts/build-if-stale.mjs')], { stdio: 'pipe' })
  } finally {
    lock.close()
  }
}
