import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Platform } from 'esbuild'
import type { Benchmark, Figure, Plan } from './harness/benchmark.ts'
import { Child } from './harness/child.ts'
import { type Spread, spreadOf } from './harness/stats.ts'
import { formatNumber, formatSpread, type Table } from './harness/table.ts'

const rival = 'undici'
const maxVerifyBytes = 4_000
// What an app that receives Standard Webhooks takes, and all that its bundle keeps; signing and diagnose are not among it.
const verifierOnly = 'Verifier of posthorn/verify'

interface Bundle {
  readonly entry: string
  readonly platform: Platform
  readonly minified: number
  readonly gzipped: number
  /** What is not in it: packages and platform modules that it asks for. */
  readonly externals: readonly string[]
}

/** What the entries weigh, and how long they take to load. */
export const size: Benchmark = {
  name: 'size',
  title: 'Size of posthorn/verify in a bundle, and time to import each entry',
  async run(plan) {
    const entries = await entryNames()
    const bundles = [
      await bundle(verifierOnly, 'posthorn/verify', 'browser', '{ Verifier }'),
      await bundle(verifierOnly, 'posthorn/verify', 'node', '{ Verifier }'),
      await bundle('posthorn/verify', 'posthorn/verify', 'browser', '*'),
      await bundle('standardwebhooks', 'standardwebhooks', 'browser', '*'),
    ]
    const times = await importTimes(plan, plan.isSmoke ? ['posthorn/verify', rival] : [...entries, rival])
    return { tables: [bundleTable(bundles), importTable(times)], figures: figures(bundles) }
  },
}

async function entryNames(): Promise<string[]> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  const { exports } = JSON.parse(text) as { exports: Record<string, unknown> } // the package's own
  const doors = Object.keys(exports).filter((door) => door !== './package.json')
  return doors.map((door) => door.replace('.', 'posthorn'))
}

async function bundle(entry: string, module: string, platform: Platform, taken: string): Promise<Bundle> {
  const result = await build({
    stdin: { contents: `export ${taken} from '${module}'`, resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
    bundle: true,
    minify: true,
    format: 'esm',
    platform,
    write: false,
    metafile: true,
    logLevel: 'error',
  })
  const contents = result.outputFiles[0]?.contents ?? new Uint8Array()
  const imports = Object.values(result.metafile.outputs).flatMap((output) => output.imports)
  const packages = Object.keys(result.metafile.inputs)
    .filter((input) => input.includes('node_modules/'))
    .map((input) => input.replace(/^.*node_modules\/((?:@[^/]+\/)?[^/]+).*$/, '$1'))
  const externals = [...new Set([...imports.map(({ path }) => path), ...packages])]
  return { entry, platform, minified: contents.length, gzipped: gzipSync(contents, { level: 9 }).length, externals }
}

async function importTimes(plan: Plan, entries: readonly string[]): Promise<ReadonlyMap<string, number[]>> {
  const times = new Map<string, number[]>(entries.map((entry) => [entry, []]))
  for (let round = 0; round < plan.rounds; round++) {
    for (const entry of round % 2 === 0 ? entries : entries.toReversed()) {
      const child = new Child(new URL('size/import-process.ts', import.meta.url))
      try {
        times.get(entry)?.push(await child.call<number>('import', entry))
      } finally {
        await child.stop()
      }
    }
  }
  return times
}

function bundleTable(bundles: readonly Bundle[]): Table {
  return {
    title: 'Bundled by esbuild',
    columns: ['', 'minified, bytes', 'and gzipped, bytes', 'packages and platform modules'],
    rows: bundles.map(({ entry, platform, minified, gzipped, externals }) => [
      `${entry} for ${platform}`,
      formatNumber(minified),
      formatNumber(gzipped),
      externals.join(', ') || 'none',
    ]),
  }
}

function importTable(times: ReadonlyMap<string, readonly number[]>): Table {
  return {
    title: 'Importing in a new process, milliseconds',
    columns: ['', `of importing ${rival}`, 'ms'],
    rows: [...times].map(([entry, own]) => [entry, formatSpread(ratio(times, entry)), formatSpread(spreadOf(own))]),
  }
}

function ratio(times: ReadonlyMap<string, readonly number[]>, entry: string): Spread {
  const base = times.get(rival) ?? []
  return spreadOf((times.get(entry) ?? []).map((time, round) => time / (base[round] ?? Number.NaN)))
}

function figures(bundles: readonly Bundle[]): Figure[] {
  return bundles
    .filter(({ entry }) => entry === verifierOnly)
    .map(({ entry, platform, gzipped }) => ({
      name: `${entry} minified and gzipped, for ${platform}`,
      measured: spreadOf([gzipped]),
      unit: 'bytes',
      target: maxVerifyBytes,
      direction: '<=',
    }))
}
