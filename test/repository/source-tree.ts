import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Source text by path from the repository's root, with forward slashes: `src/domain/clock.ts`. */
export type SourceTree = ReadonlyMap<string, string>

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url))

/** Reads every `.ts` file below `src`. */
export function readSourceTree(): SourceTree {
  const names = readdirSync(join(repositoryRoot, 'src'), { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => name.endsWith('.ts')).map((name) => `src/${name.replaceAll('\\', '/')}`)
  return new Map(files.toSorted().map((file) => [file, readFileSync(join(repositoryRoot, file), 'utf8')]))
}

/** Writes a tree down in a test: paths and their text. */
export function sourceTree(files: Readonly<Record<string, string>>): SourceTree {
  return new Map(Object.entries(files))
}

/** Says whether a file is a door: one package export, directly below `src`. */
export function isDoor(file: string): boolean {
  return /^src\/[^/]+\.ts$/.test(file)
}
