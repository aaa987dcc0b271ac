// Checks the package as users get it: packed, analysed, installed, then imported and required on every Node it supports.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeBinary, nodeVersion } from './node-versions.mjs'
import { portableProblems } from './pack-check/portable.mjs'
import { tarballProblems } from './pack-check/tarball.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const portableDoors = ['./receiver', './verify']
const folder = mkdtempSync(join(tmpdir(), 'posthorn-pack-'))

try {
  run(process.execPath, ['scripts/build-if-stale.mjs', '--types'])
  const packed = pack()
  step('publint', () => run(process.execPath, ['node_modules/publint/src/cli.js', packed.path, '--strict']))
  step('are the types wrong', () => areTheTypesWrong(packed.path))
  step('files of the tarball', () => refuse(tarballProblems(packed.files, manifest)))
  const installed = install(packed.path)
  for (const door of portableDoors) {
    step(`${manifest.name}${door.slice(1)} is portable`, () => refuse(portableProblems(installed, manifest, door)))
  }
  for (const major of [20, 22, 24, 26]) consume(nodeBinary(major))
  console.log('\npack:check passed')
} catch (error) {
  console.error(`\npack:check FAILED: ${error.message}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function pack() {
  const flags = ['--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder]
  const report = JSON.parse(run('npm', ['pack', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] }))
  const [{ filename, files }] = Object.values(report)
  return { path: join(folder, filename), files: files.map((file) => file.path) }
}

// Profile node16: both kinds of modules as Node and bundlers resolve them. Left out is TypeScript's old `node10`
// resolution, which knows no subpath exports at all.
function areTheTypesWrong(tarball) {
  const attw = 'node_modules/@arethetypeswrong/cli/dist/index.js'
  run(process.execPath, [attw, tarball, '--profile', 'node16', '--format', 'ascii', '--no-emoji', '--no-color'])
}

function install(tarball) {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true }))
  const flags = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  // The optional peers, whose doors cannot be opened without them.
  const peers = Object.keys(manifest.peerDependencies).map((name) => `${name}@${manifest.devDependencies[name]}`)
  run('npm', ['install', ...flags, tarball, ...peers], { cwd: folder })
  for (const name of ['consumer.mjs', 'consumer.cjs', 'mixed.cjs', 'expectations.cjs']) {
    copyFileSync(join(root, 'scripts/pack-check', name), join(folder, name))
  }
  return join(folder, 'node_modules', manifest.name)
}

function consume(binary) {
  const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json')
  const names = entries.map((entry) => manifest.name + entry.slice(1))
  const version = nodeVersion(binary)
  step(`import on Node ${version}`, () => run(binary, ['consumer.mjs', ...names], { cwd: folder }))
  step(`require on Node ${version}`, () => run(binary, ['consumer.cjs', ...names], { cwd: folder }))
  step(`import beside require on Node ${version}`, () => run(binary, ['mixed.cjs'], { cwd: folder }))
  const portable = portableDoors.map((door) => manifest.name + door.slice(1))
  step(`import for Workers on Node ${version}`, () =>
    run(binary, ['--conditions=workerd', 'consumer.mjs', ...portable], { cwd: folder }),
  )
}

function step(name, check) {
  const startedAt = performance.now()
  check()
  console.log(`ok  ${name} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`)
}

function run(command, args, options = {}) {
  return execFileSync(command, args, { cwd: root, stdio: 'inherit', encoding: 'utf8', timeout: 300_000, ...options })
}

function refuse(problems) {
  if (problems.length > 0) throw new Error(problems.join('\n'))
}
