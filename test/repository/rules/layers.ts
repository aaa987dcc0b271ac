import { importedFiles, importsOf } from '../imports.ts'
import { isDoor, type SourceTree } from '../source-tree.ts'

/** The layer table, lowest first. Layers on one line do not know each other. */
const layers: readonly (readonly string[])[] = [
  ['domain'],
  ['signing', 'storage'],
  ['registry'],
  ['delivery'],
  ['http', 'receiver', 'transport'],
]

/** What the conformance suite may import beside its own folder and the domain: a third party runs it on its own adapter. */
const port = ['src/storage/storage.ts', 'src/storage/query.ts', 'src/storage/settlement.ts']
const conformanceMayImport: readonly string[] = [...port, 'src/storage/cursor.ts']

/** An upper layer imports lower ones only, and an adapter never imports another adapter. */
export function layerViolations(tree: SourceTree): string[] {
  return [...tree].flatMap(([file, source]) =>
    importsOf(file, source).flatMap(({ specifier, place }) =>
      importedFiles(file, specifier, tree).flatMap((target) => {
        const problem = problemOf(file, target)
        return problem === null ? [] : [`${place} imports ${target}: ${problem}`]
      }),
    ),
  )
}

/** Every folder below `src` is a layer of the table. */
export function unknownLayers(tree: SourceTree): string[] {
  return [...tree.keys()]
    .filter((file) => !isDoor(file) && rankOf(file) === -1)
    .map((file) => `${file} is in no layer of the layer table`)
}

function problemOf(file: string, target: string): string | null {
  if (isDoor(file)) return null
  if (isDoor(target)) return 'only users import a door'
  if (layerOf(file) !== layerOf(target)) {
    return rankOf(target) < rankOf(file) ? null : `${layerOf(file)} is not above ${layerOf(target)}`
  }
  const [own, other] = [adapterOf(file), adapterOf(target)]
  if (own === 'conformance' && other !== own && !conformanceMayImport.includes(target)) {
    return 'the conformance suite knows the port, the cursor and the domain only'
  }
  if (own !== null && other !== null && own !== other) return 'an adapter never imports another adapter'
  return null
}

function layerOf(file: string): string {
  return file.split('/')[1] ?? ''
}

function rankOf(file: string): number {
  return layers.findIndex((names) => names.includes(layerOf(file)))
}

function adapterOf(file: string): string | null {
  return /^src\/storage\/([^/]+)\//.exec(file)?.[1] ?? null
}
