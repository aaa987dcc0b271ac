import { posix } from 'node:path'
import ts from 'typescript'
import type { SourceTree } from './source-tree.ts'

/** One import, re-export, `import()`, `require()` or `import('…')` type. */
export interface Import {
  /** As written; null where it is computed and cannot be known. */
  readonly specifier: string | null
  /** Where it stands: `src/a.ts:3`. */
  readonly place: string
}

/** Lists everything that a file imports, types included. */
export function importsOf(file: string, source: string): Import[] {
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  const found: Import[] = []
  const visit = (node: ts.Node): void => {
    const specifier = specifierNode(node)
    if (specifier !== undefined) {
      const line = parsed.getLineAndCharacterOfPosition(node.getStart()).line + 1
      found.push({ specifier: literalText(specifier), place: `${file}:${line}` })
    }
    ts.forEachChild(node, visit)
  }
  visit(parsed)
  return found
}

/** The `#crypto` of package.json "imports", which each runtime resolves to one of these. */
export const cryptoSeam: readonly string[] = ['src/signing/crypto-node.ts', 'src/signing/crypto-web.ts']

/** Lists the files of the tree that an import may lead to; none for packages and built-in modules. */
export function importedFiles(file: string, specifier: string | null, tree: SourceTree): string[] {
  if (specifier === '#crypto') return cryptoSeam.filter((target) => tree.has(target))
  if (specifier === null || !isRelative(specifier)) return []
  const target = posix.join(posix.dirname(file), specifier)
  return tree.has(target) ? [target] : []
}

/** Says whether a specifier names a file beside the importing one. */
export function isRelative(specifier: string): boolean {
  return /^\.{0,2}\//.test(specifier) || specifier === '.' || specifier === '..'
}

/** Gives the package that a specifier belongs to: `@scope/name/sub` → `@scope/name`. Null for files, `#…` and `node:…`. */
export function packageOf(specifier: string): string | null {
  if (isRelative(specifier) || specifier.startsWith('#') || specifier.startsWith('node:')) return null
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function specifierNode(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isExternalModuleReference(node)) return node.expression
  if (ts.isImportTypeNode(node)) return node.argument
  if (ts.isCallExpression(node) && isLoader(node.expression)) return node.arguments[0]
  return undefined
}

function isLoader(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true
  const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : ts.isIdentifier(callee) ? callee.text : ''
  return name === 'require' || name === 'getBuiltinModule'
}

function literalText(node: ts.Node): string | null {
  if (ts.isLiteralTypeNode(node)) return literalText(node.literal)
  return ts.isStringLiteralLike(node) ? node.text : null
}
