import { cryptoSeam, importedFiles, importsOf, packageOf } from '../imports.ts'
import type { SourceTree } from '../source-tree.ts'

const [cryptoNode, cryptoWeb] = cryptoSeam
// Whoever else reaches one of them is found by portableDoorViolations.
const nodeHalf: readonly (string | undefined)[] = [cryptoNode, 'src/signing/hmac-node.ts']

/** In the signing layer only the Node half of the crypto seam imports `node:` modules. */
export function signingSeamViolations(tree: SourceTree): string[] {
  return [...tree]
    .filter(([file]) => file.startsWith('src/signing/') && !nodeHalf.includes(file))
    .flatMap(([file, source]) => importsOf(file, source))
    .filter(({ specifier }) => specifier?.startsWith('node:'))
    .map(({ specifier, place }) => `${place} imports ${specifier}; only ${nodeHalf.join(' and ')} may`)
}

/** Nothing that a runtime without Node loads for this door imports a package or a `node:` module, not even for a type. */
export function portableDoorViolations(tree: SourceTree, door: string): string[] {
  if (!tree.has(door)) return [`${door} is missing`]
  const reached = new Set([door])
  // A set grows while it is iterated, so this walks the whole graph and ends when nothing new is reached.
  for (const file of reached) {
    for (const { specifier } of importsOf(file, tree.get(file) ?? '')) {
      for (const target of importedFiles(file, specifier, tree)) {
        if (specifier !== '#crypto' || target === cryptoWeb) reached.add(target)
      }
    }
  }
  return [...reached]
    .flatMap((file) => importsOf(file, tree.get(file) ?? ''))
    .filter(({ specifier }) => specifier === null || specifier.startsWith('node:') || packageOf(specifier) !== null)
    .map(({ specifier, place }) => `${place} imports ${specifier ?? 'something computed'} and is reached from ${door}`)
}
