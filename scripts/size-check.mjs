// Measures what an app pays for verifying, minified and gzipped, bundled from the built package for a platform without Node; fails above
// the budgets. Each preset is counted as what it adds to the core, alone: what several share is counted for each of them.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

// Bytes. How the core came to fit is told in docs/decisions/032.
const budgets = { core: 4000, preset: 400 }
// What these do beside an HMAC over the body, each with a budget of its own.
const larger = {
  zoom: [430, 'answers a challenge with a signature'],
  box: [430, 'two signature headers, a version and an algorithm'],
  stripe: [500, 'a header of parameters'],
  calendly: [510, 'a header of parameters'],
  paddle: [510, 'a header of parameters'],
  workos: [530, 'a header of parameters, time in milliseconds'],
  hubspot: [
    650,
    'method and URL as signed, which may have been written in two ways, an id made of all items of a batch',
  ],
  sendgrid: [710, 'ECDSA, signatures in DER, an id made of all items of a batch'],
  meta: [515, 'answers a challenge with a token'],
  coinbase: [620, 'a header of parameters that lists other headers'],
  adyen: [570, 'eight fields of the body, signature in the body'],
  twilio: [
    985,
    'a form sorted by name, or the hash of a JSON body in the URL, which may have been written in six ways',
  ],
  contentful: [670, 'method, path and listed headers, canonical, the query escaped twice or once'],
}

const root = fileURLToPath(new URL('..', import.meta.url))
execFileSync(process.execPath, ['scripts/build-if-stale.mjs'], { cwd: root, stdio: 'inherit' })

const core = await sizeOf("import { Verifier } from 'posthorn/verify'; console.log(Verifier)")
const sizes = []
for (const name of await presetNames()) {
  const source = `import { Verifier } from 'posthorn/verify'; import { ${name} } from 'posthorn/schemes'; console.log(Verifier, ${name})`
  sizes.push({ name, bytes: (await sizeOf(source)) - core })
}
sizes.sort((left, right) => left.bytes - right.bytes)

console.log(`core and Standard Webhooks: ${core} bytes (budget ${budgets.core})`)
console.log(`a preset more (budget ${budgets.preset}, or its own):`)
const over = core > budgets.core ? ['core'] : []
for (const { name, bytes } of sizes) {
  const [budget, reason] = larger[name] ?? [budgets.preset]
  if (bytes > budget) over.push(name)
  // A budget that nobody needs any more would let the preset grow again.
  if (reason !== undefined && bytes <= budgets.preset) over.push(`${name}, which needs no budget of its own`)
  console.log(`  ${String(bytes).padStart(5)}  ${name}${reason === undefined ? '' : `  (${budget}: ${reason})`}`)
}
console.log(over.length > 0 ? `\nsize FAILED: ${over.join('; ')}` : '\nsize passed')
process.exitCode = over.length > 0 ? 1 : 0

async function sizeOf(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    tsconfigRaw: {},
    write: false,
    logLevel: 'error',
  })
  return gzipSync(outputFiles[0].contents, { level: 9 }).length
}

async function presetNames() {
  const notPresets = ['standardWebhooks', 'ipaScheme', 'defineHmacScheme']
  const schemes = await import('../dist/schemes.js')
  return Object.keys(schemes).filter((name) => {
    const value = schemes[name]
    return (
      !notPresets.includes(name) && (typeof value === 'function' ? isFactory(value) : value.signature !== undefined)
    )
  })
}

function isFactory(value) {
  return !['textSecret', 'standardSecret'].includes(value.name)
}
