// Runs a receiver of the built package in each fetch framework as it is in production: Next.js, SvelteKit, React Router, Remix and Workers, which
// npm installs below node_modules/.cache. Give a part of a name to run only those.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { build } from 'esbuild'
import { apps } from './frameworks/apps.mjs'
import { installOnce } from './install-once.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
execFileSync(process.execPath, ['scripts/build-if-stale.mjs'], { cwd: root, stdio: 'inherit' })
const { generateSecret, Signer } = await import('../dist/verify.js')

const secret = generateSecret()
const signer = new Signer({ secret })
// A body that no parser gives back as it was.
const body = '{"type":"order.paid","data":{"2":1,"1":2,"a":1.0,"b":"\\u00e9\\/"} ,"d":12345678901234567890}'
const json = { 'content-type': 'application/json' }
const env = {
  ...process.env,
  NODE_ENV: 'production',
  NEXT_TELEMETRY_DISABLED: '1',
  WEBHOOK_SECRET: secret,
  HOST: '127.0.0.1',
}

const failures = []
for (const [name, app] of Object.entries(apps)) {
  if (!name.toLowerCase().includes((process.argv[2] ?? '').toLowerCase())) continue
  const started = performance.now()
  const problems = await problemsOf(name, app).catch((/** @type {unknown} */ error) => [inspect(error)])
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${problems.length === 0 ? 'ok ' : 'BAD'} ${name} (${seconds} s)`)
  for (const problem of problems) console.log(`    ${problem}`)
  if (problems.length > 0) failures.push(name)
}
console.log(failures.length === 0 ? '\ntest:frameworks passed' : `\ntest:frameworks FAILED: ${failures.join(', ')}`)
process.exitCode = failures.length === 0 ? 0 : 1

async function problemsOf(name, app) {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-framework-'))
  try {
    await prepare(folder, name, app)
    if (app.build !== undefined) {
      execFileSync(process.execPath, app.build, { cwd: folder, env, stdio: 'pipe', timeout: 180_000 })
    }
    return await whileServing(folder, app, (origin) => check(origin, app.formStatus ?? 200))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function prepare(folder, name, { packages, files, bundle }) {
  const installed = installOnce(`framework-${name.replaceAll(/[^\w.]+/g, '-')}`, packages)
  // Copied, so that posthorn can stand among them: bundlers follow links to where they lead, and would not find it there.
  cpSync(join(installed, 'node_modules'), join(folder, 'node_modules'), { recursive: true, verbatimSymlinks: true })
  const posthorn = join(folder, 'node_modules/posthorn')
  cpSync(join(root, 'dist'), join(posthorn, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(posthorn, 'package.json'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  if (bundle === undefined) return
  await build({
    entryPoints: [join(folder, bundle)],
    outfile: join(folder, 'bundle.js'),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['workerd'],
    absWorkingDir: folder,
    tsconfigRaw: {},
    logLevel: 'error',
  })
}

async function whileServing(folder, { start, binary }, work) {
  const port = await freePort()
  const server = spawn(binary === undefined ? process.execPath : join(folder, binary), start(port), {
    cwd: folder,
    env: { ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: npm's launchers start the real program as a child.
    detached: true,
  })
  let output = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => (output += chunk))
  const exited = once(server, 'exit')
  try {
    const origin = `http://127.0.0.1:${port}`
    await untilServing(origin, server)
    const problems = await work(origin)
    return problems.length === 0 ? [] : [...problems, output]
  } catch (error) {
    return [String(error), output]
  } finally {
    const isRunning = server.exitCode === null && server.signalCode === null
    if (isRunning && server.pid !== undefined) process.kill(-server.pid, 'SIGKILL')
    await exited
  }
}

async function untilServing(origin, server) {
  for (let tries = 0; tries < 300; tries++) {
    if (server.exitCode !== null) throw new Error('The server stopped.')
    try {
      await (await fetch(`${origin}/counts`)).arrayBuffer()
      return
    } catch {
      await wait(100) // It does not listen yet.
    }
  }
  throw new Error('The server does not listen.')
}

async function check(origin, formStatus) {
  const statuses = {
    event: await deliver(origin, '/webhooks', 'msg_1'),
    repeat: await deliver(origin, '/webhooks', 'msg_1'),
    forged: await deliver(origin, '/webhooks', 'msg_2', { signer: new Signer({ secret: generateSecret() }) }),
    changed: await deliver(origin, '/webhooks', 'msg_2', { sent: body.replace('1.0', '1.00') }),
    'too long': await deliver(origin, '/webhooks', 'msg_2', { text: `{"x":"${'x'.repeat(20_000)}"}` }),
    unsigned: await statusOf(fetch(`${origin}/webhooks`, { method: 'POST', headers: json, body })),
    'GET without a signature': await statusOf(fetch(`${origin}/webhooks`)),
    'a copy was read before': await deliver(origin, '/copied', 'msg_3'),
    'the body was read before': await deliver(origin, '/parsed', 'msg_4'),
    // Only its type is that of a form, as Twilio and Slack send them: frameworks look no further before they refuse it.
    'a form': await deliver(origin, '/webhooks', 'msg_5', { type: 'application/x-www-form-urlencoded' }),
  }
  const expected = [200, 200, 401, 401, 413, 401, 401, 200, 500, formStatus]
  const problems = Object.entries(statuses).flatMap(([name, status], index) =>
    status === expected[index] ? [] : [`${name}: ${status}, not ${expected[index]}`],
  )
  const counts = JSON.stringify(await (await fetch(`${origin}/counts`)).json())
  const right = JSON.stringify({ handled: formStatus === 200 ? 3 : 2, errors: ['RAW_BODY_REQUIRED'] })
  return counts === right ? problems : [...problems, `counted ${counts}, not ${right}`]
}

async function deliver(origin, path, id, { signer: by = signer, text = body, sent = text, type } = {}) {
  const headers = { ...json, ...(await by.sign({ id, body: text })), ...(type && { 'content-type': type }) }
  return await statusOf(fetch(origin + path, { method: 'POST', headers, body: sent }))
}

async function statusOf(answering) {
  const response = await answering
  await response.arrayBuffer()
  return response.status
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
