import { importedFiles, importsOf } from '../imports.ts'
import type { SourceTree } from '../source-tree.ts'

/** No file imports itself, directly or through others, types included. Names one cycle for each import that closes one. */
export function importCycles(tree: SourceTree): string[] {
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file)
    if (start !== -1) {
      cycles.push([...path.slice(start), file].join(' → '))
      return
    }
    if (done.has(file)) return
    for (const target of targetsOf(file, tree)) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of tree.keys()) visit(file, [])
  return cycles
}

function targetsOf(file: string, tree: SourceTree): Set<string> {
  const specifiers = importsOf(file, tree.get(file) ?? '').map(({ specifier }) => specifier)
  return new Set(specifiers.flatMap((specifier) => importedFiles(file, specifier, tree)))
}
