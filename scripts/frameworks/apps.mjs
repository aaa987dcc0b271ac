// A receiver in each framework, as few lines as its documentation asks for. Each app has four routes: /webhooks; /copied and /parsed, where
// something reads the body first, a copy or the body itself; and /counts, which tells what was handled.

const receiver = `
import { createReceiver, memoryIdempotency } from 'posthorn/receiver'
import { Verifier } from 'posthorn/verify'

const counts = (globalThis.webhookCounts ??= { handled: 0, errors: [] })
let made
const receiver = () => (made ??= createReceiver({
  verifier: new Verifier({ secret: process.env.WEBHOOK_SECRET, maxBodyBytes: 10_000 }),
  idempotency: memoryIdempotency(),
  on: { 'order.paid': () => { counts.handled++ } },
  onError: (error) => { counts.errors.push(error.code) },
}))
export const webhooks = (request) => receiver().fetch(request)
export const copied = async (request) => { await request.clone().json(); return await webhooks(request) }
export const parsed = async (request) => { await request.json(); return await webhooks(request) }
export const tell = () => Response.json(counts)
`

const next = {
  packages: ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1'],
  files: {
    'receiver.js': receiver,
    'app/layout.js': 'export default ({ children }) => <html><body>{children}</body></html>\n',
    'app/webhooks/route.js': "export { webhooks as GET, webhooks as POST } from '../../receiver.js'\n",
    'app/copied/route.js': "export { copied as POST } from '../../receiver.js'\n",
    'app/parsed/route.js': "export { parsed as POST } from '../../receiver.js'\n",
    'app/counts/route.js':
      "import { tell } from '../../receiver.js'\nexport const dynamic = 'force-dynamic'\nexport const GET = () => tell()\n",
  },
  build: ['node_modules/next/dist/bin/next', 'build'],
  start: (port) => ['node_modules/next/dist/bin/next', 'start', '-H', '127.0.0.1', '-p', String(port)],
}

const svelteKit = {
  packages: [
    '@sveltejs/kit@3.2.0',
    '@sveltejs/adapter-node@6.0.1',
    '@sveltejs/vite-plugin-svelte@7.3.1',
    'svelte@5.57.3',
    'vite@8.3.8',
    'typescript@6.0.3',
  ],
  files: {
    'vite.config.js': `
import adapter from '@sveltejs/adapter-node'
import { sveltekit } from '@sveltejs/kit/vite'
export default { plugins: [sveltekit({ adapter: adapter() })] }
`,
    'src/app.html': '<!doctype html><html><head>%sveltekit.head%</head><body>%sveltekit.body%</body></html>\n',
    'src/receiver.js': receiver,
    'src/routes/webhooks/+server.js':
      "import { webhooks } from '../../receiver.js'\nexport const POST = ({ request }) => webhooks(request)\nexport const GET = POST\n",
    'src/routes/copied/+server.js':
      "import { copied } from '../../receiver.js'\nexport const POST = ({ request }) => copied(request)\n",
    'src/routes/parsed/+server.js':
      "import { parsed } from '../../receiver.js'\nexport const POST = ({ request }) => parsed(request)\n",
    'src/routes/counts/+server.js': "import { tell } from '../../receiver.js'\nexport const GET = () => tell()\n",
  },
  // SvelteKit takes a form without a trusted origin for a forgery, unless csrf.trustedOrigins has '*' (docs/receiving.md).
  formStatus: 403,
  build: ['node_modules/vite/bin/vite.js', 'build'],
  start: () => ['build/index.js'],
}

// What React Router and Remix make of an app's routes when they build it: modules by route.
const routes = `
import { copied, parsed, tell, webhooks } from './receiver.js'

const route = (path, module) => ({ id: path, path, parentId: 'root', module })
const root = { id: 'root', path: '', module: { default: () => null } }
const answer = (handle) => ({ action: ({ request }) => handle(request), loader: ({ request }) => handle(request) })
const all = [
  root,
  route('webhooks', answer(webhooks)),
  route('copied', answer(copied)),
  route('parsed', answer(parsed)),
  route('counts', { loader: tell }),
]
const noAssets = { entry: { imports: [], module: '' }, routes: {}, url: '', version: '1' }
const unused = () => { throw new Error('No page is rendered here.') }
export const build = {
  routes: Object.fromEntries(all.map((each) => [each.id, each])),
  entry: { module: { default: unused, handleError: (error) => { console.error(error) } } },
  assets: noAssets,
  assetsBuildDirectory: '',
  publicPath: '/',
  basename: '/',
  future: {},
  ssr: true,
  isSpaMode: false,
  mode: 'production',
  prerender: [],
  routeDiscovery: { mode: 'initial' },
}
`

const server = (library) => `
import { createServer } from 'node:http'
import { createRequestHandler } from '${library}'
import { build } from './routes.js'

const handle = createRequestHandler(build, 'production')
createServer((incoming, outgoing) => {
  void answer(incoming, outgoing).catch((error) => { console.error(error); outgoing.destroy() })
}).listen(Number(process.env.PORT), '127.0.0.1')

async function answer(incoming, outgoing) {
  const body = Buffer.concat(await incoming.toArray())
  const { method, headers } = incoming
  const url = new URL(incoming.url, 'http://127.0.0.1')
  const response = await handle(new Request(url, { method, headers, ...(method === 'POST' && { body }) }))
  outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.bytes())
}
`

const withRoutes = (library, packages) => ({
  packages,
  files: { 'receiver.js': receiver, 'routes.js': routes, 'server.js': server(library) },
  start: () => ['server.js'],
})

// A Worker has no process: its secret is a binding, and it keeps what it counts for as long as it lives.
const worker = `
import { createReceiver, memoryIdempotency } from 'posthorn/receiver'
import { Verifier } from 'posthorn/verify'

const counts = { handled: 0, errors: [] }
let receiver
export default {
  async fetch(request, env, context) {
    receiver ??= createReceiver({
      verifier: new Verifier({ secret: env.WEBHOOK_SECRET, maxBodyBytes: 10_000 }),
      idempotency: memoryIdempotency(),
      on: { 'order.paid': () => { counts.handled++ } },
      onError: (error) => { counts.errors.push(error.code) },
    })
    const { pathname } = new URL(request.url)
    if (pathname === '/counts') return Response.json(counts)
    if (pathname === '/copied') await request.clone().json()
    if (pathname === '/parsed') await request.json()
    return await receiver.fetch(request, context)
  },
}
`

const workers = {
  packages: ['workerd@1.20261117.1'],
  files: {
    'worker.js': worker,
    'config.capnp': `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", service = "main", http = ())],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "bundle.js")],
  bindings = [(name = "WEBHOOK_SECRET", fromEnvironment = "WEBHOOK_SECRET")],
  compatibilityDate = "2025-01-01",
);
`,
  },
  bundle: 'worker.js',
  binary: 'node_modules/.bin/workerd',
  start: (port) => ['serve', 'config.capnp', '--socket-addr', `http=127.0.0.1:${port}`],
}

/** The apps by the name of their framework. */
export const apps = {
  'Next.js 16.4.6': next,
  'SvelteKit 3.2.0': svelteKit,
  'React Router 8.5.1': withRoutes('react-router', ['react-router@8.5.1', 'react@19.3.1', 'react-dom@19.3.1']),
  'Remix 2.17.5': withRoutes('@remix-run/server-runtime', ['@remix-run/server-runtime@2.17.5', 'react@18.3.1']),
  'Workers (workerd 1.20261117.1)': workers,
}
