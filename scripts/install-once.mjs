import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const cache = fileURLToPath(new URL('../node_modules/.cache/posthorn', import.meta.url))

/**
 * Installs packages, each with its exact version, into a folder of their own below node_modules/.cache, where they are not there yet; answers
 * the folder. `name` is the folder's, and has to change with the versions.
 */
export function installOnce(name, packages) {
  const prefix = join(cache, name)
  if (existsSync(prefix)) return prefix
  // Moved when it is whole: an install that was broken off must not be taken for one.
  const partial = `${prefix}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  writeFileSync(join(partial, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  execFileSync('npm', ['install', ...flags, ...packages], {
    cwd: partial,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 300_000,
  })
  renameSync(partial, prefix)
  return prefix
}
