// Writes docs/licences.md: what is installed with posthorn, and under which licence. `--check` only says whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = join(root, 'docs/licences.md')
const read = (path) => readFileSync(join(root, path), 'utf8')
const lock = JSON.parse(read('package-lock.json'))

// Licences that ask for no more than to be named.
const allowed = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD']

const found = [...installedWith('')].toSorted(byText).map((path) => {
  const { name, version, license } = JSON.parse(read(`${path}/package.json`))
  return { name, version, license }
})
const refused = found.filter(({ license }) => !allowed.includes(license))
const text = `# Licences

Posthorn is under the MIT licence. Installing it installs these packages, in the versions that its lock file names or newer ones of the same
major. Written by \`npm run licences\`; \`npm run check\` fails where it is out of date, or where a licence is not on the list of
\`scripts/licences.mjs\`.

${found.map(({ name, version, license }) => `- ${name} ${version}: ${license}`).join('\n')}
`

for (const { name, license } of refused) console.error(`${name} is under ${license}, which is not on the list`)
const isStale = current() !== text
if (process.argv.includes('--check') && isStale) console.error('docs/licences.md is out of date: npm run licences')
else if (isStale) writeFileSync(page, text)
const isFine = refused.length === 0 && !(process.argv.includes('--check') && isStale)
console.log(isFine ? `licences: ${found.length} packages ok` : 'licences FAILED')
process.exitCode = isFine ? 0 : 1

// The paths of all packages that a package needs at run time, its own excepted.
function installedWith(path, seen = new Set()) {
  const entry = lock.packages[path]
  for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
    const dependency = resolve(path, name)
    if (dependency === null || seen.has(dependency)) continue
    seen.add(dependency)
    installedWith(dependency, seen)
  }
  return seen
}

// As Node looks for it: in the package's own node_modules, then in those above.
function resolve(path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    const candidate = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`
    if (lock.packages[candidate] !== undefined) return candidate
    if (folder === '') return null
  }
}

function byText(one, other) {
  return one < other ? -1 : 1
}

function current() {
  try {
    return readFileSync(page, 'utf8')
  } catch {
    return ''
  }
}
