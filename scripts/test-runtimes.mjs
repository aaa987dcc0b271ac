// Runs the portable suite (scripts/runtimes) on the built package in each real runtime: Node 20 to 26, Bun, Deno and workerd, which npm
// installs below node_modules/.cache; and checks that a bundle for browsers reaches nothing of Node's.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { installOnce } from './install-once.mjs'
import { nodeBinary, nodeVersion } from './node-versions.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
// Known to work; a newer one may be installed by hand.
const versions = { bun: '1.4.5', deno: '2.9.6', workerd: '1.20261117.1' }

execFileSync(process.execPath, ['scripts/build-if-stale.mjs'], { cwd: root, stdio: 'inherit' })
// Away from the repository, whose tsconfig.json would lead Bun and esbuild to the sources.
const folder = mkdtempSync(join(tmpdir(), 'posthorn-runtimes-'))
const suite = join(folder, 'suite')
const failures = []
try {
  installBuiltPackage()
  for (const major of [20, 22, 24, 26]) attempt(`Node ${major}`, () => onNode(major))
  attempt('Bun', () => JSON.parse(run(installed('bun'), [join(suite, 'cli.mjs')])))
  attempt('Deno', () =>
    JSON.parse(
      run(installed('deno'), [
        'run',
        '--allow-read',
        '--allow-env',
        '--node-modules-dir=manual',
        join(suite, 'cli.mjs'),
      ]),
    ),
  )
  const worker = await bundle(join(suite, 'worker.mjs'), ['workerd'])
  attempt('workerd', () => onWorkerd(worker))
  const browser = await bundle(join(suite, 'cli.mjs'), ['browser'])
  // Node is only what runs it: this bundle holds the half of the crypto seam that is for browsers.
  attempt('Browser bundle', () => JSON.parse(run(process.execPath, [browser])))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(failures.length === 0 ? '\ntest:runtimes passed' : `\ntest:runtimes FAILED: ${failures.join(', ')}`)
process.exitCode = failures.length === 0 ? 0 : 1

function installBuiltPackage() {
  const installedAt = join(folder, 'node_modules/posthorn')
  cpSync(join(root, 'scripts/runtimes'), suite, { recursive: true })
  cpSync(join(root, 'dist'), join(installedAt, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(installedAt, 'package.json'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
}

function attempt(name, check) {
  try {
    const { passed, unsupported, failed, version = '' } = check()
    console.log(`${failed.length === 0 ? 'ok ' : 'BAD'} ${name} ${version}: ${passed} passed`)
    for (const line of unsupported) console.log(`    not by this runtime's crypto: ${line}`)
    for (const line of failed) console.log(`    FAILED ${line}`)
    if (failed.length > 0 || passed === 0) failures.push(name)
  } catch (error) {
    console.log(`BAD ${name}: ${error.stderr || error.message}`)
    failures.push(name)
  }
}

function onNode(major) {
  const binary = nodeBinary(major)
  return { ...JSON.parse(run(binary, ['--no-warnings', join(suite, 'cli.mjs')])), version: nodeVersion(binary) }
}

function onWorkerd(worker) {
  const config = join(folder, 'config.capnp')
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .worker)]);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "${worker.slice(folder.length + 1)}")],
  compatibilityDate = "2025-01-01",
);
`,
  )
  const output = run(installed('workerd'), ['test', config])
  const report = /REPORT (\{.*\})/.exec(output)?.[1]
  if (report === undefined) throw new Error(`It gave no report: ${output}`)
  return JSON.parse(report)
}

/** Bundles for a platform without Node; fails where anything of Node's is reached. */
async function bundle(entry, conditions) {
  const outfile = join(folder, `${conditions[0]}.mjs`)
  const { metafile } = await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions,
    metafile: true,
    absWorkingDir: folder,
    tsconfigRaw: {},
    logLevel: 'error',
  })
  const inputs = Object.keys(metafile.inputs)
  if (inputs.some((input) => input.includes('crypto-node')))
    failures.push(`${conditions[0]}: crypto-node is in the bundle`)
  if (!inputs.some((input) => input.includes('dist/verify')))
    failures.push(`${conditions[0]}: it is not of ${doors[0]}`)
  return outfile
}

function installed(name) {
  const prefix = installOnce(`${name}-${versions[name]}`, [`${name}@${versions[name]}`])
  return join(prefix, 'node_modules/.bin', name)
}

function run(command, args) {
  return execFileSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  })
}
