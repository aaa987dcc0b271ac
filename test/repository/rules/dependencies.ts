import { importedFiles, importsOf, isRelative, packageOf } from '../imports.ts'
import type { SourceTree } from '../source-tree.ts'

/** Where a dependency is imported: a file, or a folder (with its last slash) where one file does. */
export type DependencyHomes = Readonly<Record<string, string>>

/** Each runtime dependency is imported by exactly one file, the one that `homes` names, and nothing undeclared is imported. */
export function dependencyViolations(
  tree: SourceTree,
  dependencies: readonly string[],
  homes: DependencyHomes = {},
): string[] {
  const importers = new Map<string, Set<string>>(dependencies.map((name) => [name, new Set()]))
  const undeclared: string[] = []
  for (const [file, source] of tree) {
    for (const { specifier, place } of importsOf(file, source)) {
      const name = specifier === null ? null : packageOf(specifier)
      if (name === null) continue
      const files = importers.get(name)
      if (files === undefined) undeclared.push(`${place} imports ${name}, which is no dependency in package.json`)
      else files.add(file)
    }
  }
  return [...undeclared, ...[...importers].flatMap(([name, files]) => homeProblems(name, [...files], homes[name]))]
}

/** Every import can be followed: relative ones name an existing file with its extension, and none is computed. */
export function unresolvedImports(tree: SourceTree): string[] {
  return [...tree].flatMap(([file, source]) =>
    importsOf(file, source).flatMap(({ specifier, place }) => {
      if (specifier === null) return [`${place} computes what it imports`]
      const isInternal = isRelative(specifier) || specifier.startsWith('#')
      if (!isInternal || importedFiles(file, specifier, tree).length > 0) return []
      return [`${place} imports ${specifier}, which is no source file; relative imports carry the .ts extension`]
    }),
  )
}

function homeProblems(name: string, files: readonly string[], home: string | undefined): string[] {
  if (files.length === 0) return [`${name} is a dependency in package.json that no file imports`]
  if (files.length > 1) return [`${name} is imported by ${files.length} files: ${files.join(', ')}`]
  const isAtHome = files.every((file) => home === undefined || file === home || isBelow(file, home))
  return isAtHome ? [] : [`${name} is imported by ${files.join(', ')} instead of ${home}`]
}

function isBelow(file: string, folder: string): boolean {
  return folder.endsWith('/') && file.startsWith(folder)
}
