// Mutation testing: `npm run mutate`, or `npm run mutate -- headers signing` for some groups; options of Stryker's after `--`, such as
// `npm run mutate -- headers -- --concurrency 1`. Each group has to reach the score of stryker.config.json.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const groups = JSON.parse(readFileSync(new URL('mutation-groups.json', import.meta.url), 'utf8'))
const given = process.argv.slice(2)
const end = given.includes('--') ? given.indexOf('--') : given.length
const names = end === 0 ? Object.keys(groups) : given.slice(0, end)
const unknown = names.filter((name) => !Object.hasOwn(groups, name))
if (unknown.length > 0) {
  console.error(`There is no group ${unknown.join(', ')}: known are ${Object.keys(groups).join(', ')}.`)
  process.exit(2)
}
const failed = names.filter((name) => {
  console.log(`\n${name}`)
  const mutate = groups[name].mutate.flatMap(filesOf).join(',')
  const env = { ...process.env, POSTHORN_MUTATION_GROUP: name }
  const { status } = spawnSync('stryker', ['run', '--mutate', mutate, ...given.slice(end + 1)], {
    stdio: 'inherit',
    env,
  })
  return status !== 0
})
if (failed.length > 0) console.error(`\nBelow the threshold, or not run: ${failed.join(', ')}.`)
process.exitCode = failed.length === 0 ? 0 : 1

// A folder ends with a slash. Stryker would pass a file that is not there: no mutant of it survives.
function filesOf(path) {
  const files = path.endsWith('/') ? readdirSync(path).map((file) => path + file) : [path]
  const missing = files.filter((file) => !file.endsWith('.ts') || !existsSync(file))
  if (files.length > 0 && missing.length === 0) return files
  throw new Error(`scripts/mutation-groups.json names ${path}, where there is no source.`)
}
