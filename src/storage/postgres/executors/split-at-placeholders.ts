/**
 * Splits a statement into its text and the numbers of its `$n`, in the order they stand. What looks like one in a literal, a quoted
 * name, a comment or a name (`a$1`) is text.
 */
export function splitAtPlaceholders(sql: string): (string | number)[] {
  const parts: (string | number)[] = []
  const token = new RegExp(tokens, 'g')
  let from = 0
  for (let match = token.exec(sql); match !== null; match = token.exec(sql)) {
    if (match[0] === '/*') token.lastIndex = endOfComment(sql, token.lastIndex)
    const placeholder = match.groups?.['placeholder']
    if (placeholder === undefined) continue
    parts.push(sql.slice(from, match.index), Number(placeholder))
    from = token.lastIndex
  }
  parts.push(sql.slice(from))
  return parts
}

// After Postgres's own scanner: https://www.postgresql.org/docs/current/sql-syntax-lexical.html. A doubled quote is two literals
// side by side, which comes to the same.
const tokens = [
  /[eE]'(?:[^'\\]|\\[^]|'')*'/, // with escapes
  /'[^']*'/,
  /"[^"]*"/,
  /--[^\r\n]*/,
  /\/\*/,
  /\$(?<tag>[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[^]*?\$\k<tag>\$/, // $$text$$, $tag$text$tag$
  /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/, // a name or a keyword
  /\$(?<placeholder>\d+)/,
]
  .map((pattern) => pattern.source)
  .join('|')

/** Comments nest. One that does not end takes the rest. */
function endOfComment(sql: string, start: number): number {
  const mark = /\/\*|\*\//g
  mark.lastIndex = start
  for (let depth = 1; depth > 0;) {
    const match = mark.exec(sql)
    if (match === null) return sql.length
    depth += match[0] === '/*' ? 1 : -1
  }
  return mark.lastIndex
}
