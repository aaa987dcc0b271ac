import ts from 'typescript'
import { isDoor, type SourceTree } from '../source-tree.ts'

/** A door holds re-exports (`export … from '…'`), at least one, and nothing else. */
export function doorViolations(tree: SourceTree): string[] {
  return [...tree].filter(([file]) => isDoor(file)).flatMap(([file, source]) => problemsOf(file, source))
}

function problemsOf(file: string, source: string): string[] {
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  if (parsed.statements.length === 0) return [`${file} exports nothing`]
  return parsed.statements
    .filter((statement) => !(ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined))
    .map((statement) => {
      const line = parsed.getLineAndCharacterOfPosition(statement.getStart()).line + 1
      return `${file}:${line} is no re-export`
    })
}
