// Checks the lock file (or the one at the path given): every package comes from the registry with its integrity, from whichever registry
// who installs has set, and only known ones run a script when they are installed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const lock = JSON.parse(readFileSync(process.argv[2] ?? join(root, 'package-lock.json'), 'utf8'))

// Tools for development, each looked at: they fetch or build a binary of their own. A run-time dependency never may.
const mayRunScripts = ['@prisma/engines', 'esbuild', 'msgpackr-extract', 'msw', 'node', 'prisma']

const problems = lock.lockfileVersion === 3 ? [] : [`lockfileVersion is ${lock.lockfileVersion}, not 3`]
const workspaces = lock.packages['']?.workspaces ?? []
for (const [path, entry] of Object.entries(lock.packages)) problems.push(...problemsOf(path, entry))

for (const problem of problems) console.error(problem)
console.log(problems.length === 0 ? `lock file: ${Object.keys(lock.packages).length} packages ok` : 'lock file FAILED')
process.exitCode = problems.length === 0 ? 0 : 1

function problemsOf(path, entry) {
  const isOurs = path === '' || workspaces.includes(path)
  const found = specsOf(entry)
    .filter(([, spec]) => isOurs && !isFromRegistry(spec))
    .map(([name, spec]) => `${path || 'package.json'} depends on ${name} from ${spec}, not from the registry`)
  if (isOurs) return found
  if (entry.link === true) return workspaces.includes(entry.resolved) ? [] : [`${path} links to ${entry.resolved}`]
  if (entry.resolved !== undefined) found.push(`${path} is taken from ${entry.resolved}`)
  if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(entry.integrity ?? '')) found.push(`${path} has no sha512 integrity`)
  if (entry.hasInstallScript === true && !isKnownScript(path, entry)) found.push(`${path} runs a script when installed`)
  return found
}

function specsOf(entry) {
  return [entry.dependencies, entry.devDependencies, entry.optionalDependencies].flatMap((each) =>
    Object.entries(each ?? {}),
  )
}

function isFromRegistry(spec) {
  const range = spec.startsWith('npm:') ? spec.slice(spec.lastIndexOf('@') + 1) : spec
  return /^[\d^~<>=*x.\s|-]+(?:-[\w.]+)?$/.test(range)
}

function isKnownScript(path, entry) {
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
  return entry.dev === true && mayRunScripts.includes(name)
}
