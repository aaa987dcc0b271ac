import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/**
 * Names every package and `node:` module that a built door reaches, its types included. It reaches Node's own
 * crypto through `#crypto` alone; of that, the half for other runtimes is followed.
 */
export function portableProblems(folder, manifest, door) {
  const { import: esm, require: cjs } = manifest.exports[door]
  const web = manifest.imports['#crypto'].default
  return [
    ...problemsBehind(folder, esm.default, web.import),
    ...problemsBehind(folder, cjs.default, web.require),
    ...problemsBehind(folder, esm.types),
    ...problemsBehind(folder, cjs.types),
  ]
}

function problemsBehind(folder, entry, seam) {
  const problems = []
  const reached = new Set([join(folder, entry)])
  // A set grows while it is iterated, so this walks the whole graph and ends when nothing new is reached.
  for (const file of reached) {
    for (const specifier of specifiersOf(file)) {
      if (specifier === '#crypto' && seam !== undefined) reached.add(join(folder, seam))
      else if (specifier.startsWith('.')) reached.add(resolved(file, specifier))
      else problems.push(`${entry} reaches ${specifier} through ${file.slice(folder.length + 1)}`)
    }
  }
  return problems
}

function specifiersOf(file) {
  const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true)
  return importedFiles.map(({ fileName }) => fileName)
}

// Declarations name the JavaScript file beside them.
function resolved(file, specifier) {
  const target = join(dirname(file), specifier)
  return /\.d\.c?ts$/.test(file) ? target.replace(/\.(c?)js$/, '.d.$1ts') : target
}
