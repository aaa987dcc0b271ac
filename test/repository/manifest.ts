import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { repositoryRoot } from './source-tree.ts'

const conditions = z.strictObject({ types: z.string(), default: z.string() })

const shape = z.object({
  license: z.string(),
  type: z.string(),
  sideEffects: z.boolean(),
  engines: z.object({ node: z.string() }),
  files: z.array(z.string()),
  main: z.string(),
  module: z.string(),
  types: z.string(),
  exports: z.record(z.string(), z.union([z.string(), z.strictObject({ import: conditions, require: conditions })])),
  scripts: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
  peerDependencies: z.record(z.string(), z.string()),
  peerDependenciesMeta: z.record(z.string(), z.strictObject({ optional: z.boolean() })),
})

/** The parts of package.json that tests speak about. */
export type Manifest = z.infer<typeof shape>

/** Reads package.json. */
export function readManifest(): Manifest {
  return shape.parse(JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')))
}
