// Serves scripts/runtimes/keys-worker.mjs by the real workerd, where a fetch belongs to the request that started it, and sends requests that
// need one list of keys at once: none may fail because another one ended. Run for compatibility dates on both sides of 2024-10-14.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { installOnce } from './install-once.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const version = '1.20261117.1'
const binary = join(installOnce(`workerd-${version}`, [`workerd@${version}`]), 'node_modules/.bin/workerd')

// The request of Svix's own test, which its public key verifies.
const message = {
  headers: {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
  },
  body: '{"test": 2432232314}',
}
const publicKeys = JSON.stringify(['whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='])

const fetches = new Map()
let hold = Promise.resolve()
const keyServer = createServer((request, response) => {
  fetches.set(request.url, (fetches.get(request.url) ?? 0) + 1)
  void hold.then(() => response.end(publicKeys))
}).listen(0, '127.0.0.1')
await once(keyServer, 'listening')

const problems = []
try {
  for (const date of ['2024-01-01', '2026-11-01']) await whileServing(date, (origin) => check(origin, date))
} finally {
  keyServer.close()
  keyServer.closeAllConnections()
}
for (const problem of problems) console.log(`    ${problem}`)
console.log(problems.length === 0 ? '\ntest:workerd-keys passed' : '\ntest:workerd-keys FAILED')
process.exitCode = problems.length === 0 ? 0 : 1

async function check(origin, date) {
  const expectAll = async (name, sending, mostFetches) => {
    const answers = await Promise.all(sending)
    const fetched = fetches.get(`/${name}`)
    const isRight = answers.every((answer) => answer === 'verified') && fetched <= mostFetches
    console.log(`${isRight ? 'ok ' : 'BAD'} workerd of ${date}, ${name}: ${fetched} fetches`)
    if (!isRight) problems.push(`${date}, ${name}: ${answers.join(' | ')}`)
  }
  let release = holdKeys()
  const together = [send(origin, '/together'), send(origin, '/together'), send(origin, '/together')]
  await untilFetched('/together')
  release()
  await expectAll('together', together, 1)

  release = holdKeys()
  const owner = send(origin, '/owner-ends?giveUpMs=200')
  await untilFetched('/owner-ends')
  const joined = [send(origin, '/owner-ends'), send(origin, '/owner-ends')]
  if ((await owner) !== 'TimeoutError') problems.push(`${date}: the first request did not give up: ${await owner}`)
  const later = send(origin, '/owner-ends')
  release()
  // One for the request that ended, and one for each that waited where they learn of it only by their own timers.
  await expectAll('owner-ends', [...joined, later], 4)

  release = holdKeys()
  const leaving = new AbortController()
  const left = send(origin, '/client-leaves', leaving.signal).catch(() => 'left')
  await untilFetched('/client-leaves')
  const staying = send(origin, '/client-leaves')
  leaving.abort()
  await left
  const afterwards = send(origin, '/client-leaves')
  release()
  await expectAll('client-leaves', [staying, afterwards], 3)
  fetches.clear()
}

function holdKeys() {
  const { promise, resolve } = Promise.withResolvers()
  hold = promise
  return resolve
}

async function untilFetched(path) {
  for (let tries = 0; !fetches.has(path); tries++) {
    if (tries === 100) throw new Error(`Nobody fetched the keys of ${path}.`)
    await wait(20) // The request is on its way.
  }
}

async function send(origin, path, signal) {
  const response = await fetch(origin + path, { method: 'POST', ...message, signal })
  return await response.text()
}

async function whileServing(date, work) {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-workerd-'))
  await bundle(join(folder, 'worker.js'))
  writeFileSync(join(folder, 'config.capnp'), configOf(date))
  // It tells its port by the descriptor 3, as a line of JSON for each socket.
  const server = spawn(binary, ['serve', 'config.capnp', '--socket-addr', 'http=127.0.0.1:0', '--control-fd=3'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    // A group of its own: npm's launcher starts the real program as a child.
    detached: true,
  })
  const exited = once(server, 'exit')
  try {
    const [chunk] = await once(server.stdio[3], 'data')
    const { port } = JSON.parse(String(chunk).split('\n')[0])
    await work(`http://127.0.0.1:${port}`)
  } finally {
    if (server.pid !== undefined) process.kill(-server.pid, 'SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
}

function configOf(date) {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "internet", network = (allow = ["private"]))],
  sockets = [(name = "http", service = "main", http = ())],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  bindings = [(name = "KEYS_ORIGIN", text = "http://127.0.0.1:${keyServer.address().port}")],
  compatibilityDate = "${date}",
);
`
}

async function bundle(outfile) {
  await build({
    entryPoints: [join(root, 'scripts/runtimes/keys-worker.mjs')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['workerd'],
    absWorkingDir: root,
    tsconfigRaw: {},
    logLevel: 'error',
  })
}
