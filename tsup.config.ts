import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    bullmq: 'src/bullmq.ts',
    index: 'src/index.ts',
    verify: 'src/verify.ts',
    schemes: 'src/schemes.ts',
    'schemes-fetching': 'src/schemes-fetching.ts',
    http: 'src/http.ts',
    sqlite: 'src/sqlite.ts',
    postgres: 'src/postgres.ts',
    receiver: 'src/receiver.ts',
    testing: 'src/testing.ts',
    // The crypto seam: reached through package.json "imports", so each runtime loads only its own.
    'crypto-node': 'src/signing/crypto-node.ts',
    'crypto-web': 'src/signing/crypto-web.ts',
  },
  format: ['esm', 'cjs'],
  // Both formats split, so that PosthornError is one class whichever doors an app opens.
  splitting: true,
  external: ['#crypto', 'bullmq', /^node:/],
  dts: true,
  clean: true,
  target: 'node20.19',
  platform: 'neutral',
  treeshake: true,
  sourcemap: false,
  removeNodeProtocol: false,
})
