import ts from 'typescript'
import type { SourceTree } from '../source-tree.ts'

// Not "type": "event type" is a word of the glossary.
const vagueWords = /^(?:utils?|helpers?|types|constants?|services?|managers?)$/

/** No file has more lines than `limit`. */
export function longFiles(tree: SourceTree, limit = 400): string[] {
  return [...tree]
    .map(([file, source]) => ({ file, lines: source.replace(/\n$/, '').split('\n').length }))
    .filter(({ lines }) => lines > limit)
    .map(({ file, lines }) => `${file} has ${lines} lines, over ${limit}`)
}

/** Files and folders are kebab-case and named after what they hold. */
export function badNames(tree: SourceTree): string[] {
  return [...tree.keys()].flatMap((file) => {
    const names = file.replace(/\.ts$/, '').split('/')
    if (!names.every((name) => /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name))) return [`${file} is not kebab-case`]
    const isVague = names.some((name) => name.split('-').some((word) => vagueWords.test(word)))
    return isVague ? [`${file} does not say what it holds`] : []
  })
}

/** Nothing is exported as default. */
export function defaultExports(tree: SourceTree): string[] {
  return [...tree].flatMap(([file, source]) => {
    const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
    return parsed.statements.some(isDefaultExport) ? [`${file} has a default export`] : []
  })
}

function isDefaultExport(statement: ts.Statement): boolean {
  if (ts.isExportAssignment(statement)) return true
  if (ts.isExportDeclaration(statement)) {
    const clause = statement.exportClause
    if (clause === undefined) return false
    if (ts.isNamespaceExport(clause)) return clause.name.text === 'default'
    return clause.elements.some(({ name }) => name.text === 'default')
  }
  if (!ts.canHaveModifiers(statement)) return false
  return ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) ?? false
}
