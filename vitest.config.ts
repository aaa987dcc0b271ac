import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { FlakyReporter } from './scripts/flaky-reporter.ts'

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    // Tests import the doors by the names that users import them by.
    alias: [
      { find: /^posthorn$/, replacement: source('index.ts') },
      { find: /^posthorn\/([\w-]+)$/, replacement: source('$1.ts') },
      { find: '#crypto', replacement: source('signing/crypto-node.ts') },
    ],
  },
  test: {
    // The type tests (*.test-d.ts) run nothing: `npm run typecheck` is what checks them.
    include: ['test/**/*.test.ts'],
    // Unless told, vitest leaves a core idle, which on two is half of them.
    maxWorkers: '100%',
    testTimeout: 40_000,
    hookTimeout: 60_000,
    maxConcurrency: 10,
    // None unless asked for, as .ci/run does; the reporter names what needed one.
    retry: Number(process.env.POSTHORN_TEST_RETRIES ?? 0),
    reporters: ['default', new FlakyReporter()],
  },
})
