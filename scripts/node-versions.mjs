import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** package.json "engines", whose lowest line is checked to be recent enough. */
const oldest = [20, 19]

/**
 * Gives the path of a Node of this major line: the running one, one installed earlier below node_modules/.cache, a newly
 * installed one, or, where that fails, one on the PATH.
 */
export function nodeBinary(major) {
  if (isLine(process.execPath, major)) return process.execPath
  const prefix = fileURLToPath(new URL(`../node_modules/.cache/posthorn/node-${major}`, import.meta.url))
  const installed = join(prefix, 'node_modules/node/bin/node')
  if (isLine(installed, major)) return installed
  const problem = install(major, prefix)
  const found = [installed, ...nodesOnPath()].find((binary) => isLine(binary, major))
  if (found === undefined)
    throw new Error(`No Node ${major}: install one on the PATH, or let npm install node@${major}`, { cause: problem })
  return found
}

/** The version of a Node binary, `20.19.4`; null where it cannot be run. */
export function nodeVersion(binary) {
  try {
    return execFileSync(binary, ['-p', 'process.versions.node'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return null // A missing or half-installed binary is what the caller asks about.
  }
}

function isLine(binary, major) {
  const [line, minor] = (nodeVersion(binary) ?? '').split('.').map(Number)
  return line === major && (line > oldest[0] || minor >= oldest[1])
}

// The npm package `node` fetches the binary of this platform in its install script. Returns the error, if any.
function install(major, prefix) {
  rmSync(prefix, { recursive: true, force: true })
  mkdirSync(prefix, { recursive: true })
  const flags = ['--prefix', prefix, '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--prefer-offline']
  try {
    execFileSync('npm', ['install', ...flags, '--loglevel=error', `node@${major}`], {
      cwd: prefix,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 300_000,
    })
    return undefined
  } catch (error) {
    return error
  }
}

function nodesOnPath() {
  return (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'))
}
