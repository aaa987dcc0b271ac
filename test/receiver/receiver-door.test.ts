import { build } from 'esbuild'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import * as door from 'posthorn/receiver'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildPackage } from '../support/built-package.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const timeout = 60_000

describe('posthorn/receiver', { timeout }, () => {
  beforeAll(buildPackage, timeout)

  it('exports what receives, and nothing else', () => {
    expect(Object.keys(door).toSorted()).toEqual([
      'PosthornError',
      'createReceiver',
      'defineEvents',
      'formEnvelope',
      'memoryIdempotency',
      'redisIdempotency',
      'standardEnvelope',
      'toExpressHandler',
      'toFastifyPlugin',
      'toKoaMiddleware',
      'toLambdaHandler',
      'toNestHandler',
      'toNodeHandler',
    ])
  })

  it('bundles for a browser without node: modules, packages and Buffer', async () => {
    const contents = "export * from 'posthorn/receiver'"
    const { outputFiles, metafile } = await build({
      stdin: { contents, resolveDir: root },
      bundle: true,
      write: false,
      metafile: true,
      minify: true,
      tsconfigRaw: {},
      format: 'esm',
      platform: 'browser',
      logLevel: 'silent',
    })
    expect(Object.keys(metafile.inputs).filter((path) => !/^(?:dist\/|<stdin>$)/.test(path))).toEqual([])
    expect(outputFiles[0]?.text).not.toMatch(/node:|\bBuffer\b|\brequire\(|\bprocess\./)
  })

  it.each([[[]], [['--conditions=workerd']]])('passes its checks as it is built, with %j', (flags) => {
    const script = `import { runReceiverChecks } from './scripts/runtimes/receiver-checks.mjs'; console.log((await runReceiverChecks()).length)`
    const options = { cwd: root, encoding: 'utf8', timeout } as const
    expect(execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], options).trim()).toBe('6')
  })
})
