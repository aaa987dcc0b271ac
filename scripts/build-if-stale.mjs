// Builds dist when a source is newer than it, so that examples run against the package as users get it, at once on a
// fresh clone. Without --types the declarations are left out, which takes a second instead of many.
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const withTypes = process.argv.includes('--types')

if (isStale()) {
  const tsup = join(root, 'node_modules/tsup/dist/cli-default.js')
  const flags = withTypes ? [] : ['--no-dts', '--silent']
  const { status } = spawnSync(process.execPath, [tsup, ...flags], { cwd: root, stdio: 'inherit' })
  process.exitCode = status ?? 1
}

function isStale() {
  const built = outputs().map((file) => statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0)
  return Math.min(...built) < Math.max(...sources().map((file) => statSync(join(root, file)).mtimeMs))
}

function outputs() {
  const { exports, imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const files = JSON.stringify([exports, imports]).match(/\.\/dist\/[^"]+/g) ?? []
  return withTypes ? files : files.filter((file) => !file.includes('.d.'))
}

// Folders are listed too: removing a file changes nothing but its folder.
function sources() {
  const inSrc = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map((name) => join('src', name))
  return ['src', 'package.json', 'tsconfig.json', 'tsup.config.ts', ...inSrc]
}
