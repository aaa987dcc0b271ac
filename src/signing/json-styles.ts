import { compareCodePoints } from './python-json.ts'

/** A way in which programs write JSON. */
export interface JsonStyle {
  /** Whose way it is, as in `json.dumps of Python`. */
  readonly name: string
  /** The text. */
  readonly text: string
}

/** A JSON text as a tree which keeps what parsers lose: how numbers are written, the order of members, members that come twice. */
type Tree =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'list' | 'object'; readonly entries: readonly Entry[] }

interface Entry {
  readonly name: string
  readonly value: Tree
}

interface Layout {
  readonly name: string
  readonly comma?: string
  readonly colon?: string
  readonly indent?: string
  readonly isSorted?: boolean
  /** What is written as an escape beside what JSON demands. */
  readonly escaped?: RegExp
  readonly hasCapitals?: boolean
  /** What is written for a slash, or for an escape of JavaScript's. */
  readonly instead?: Readonly<Record<string, string>>
}

const beyondPrintable = /[\u007f-\uffff]/g
const html = /[<>&\u2028\u2029]/g
const slashes = { '/': '\\/' }

// As each was seen to write when run (test/signing/json-writers.json), the plainest first; Ruby's JSON.generate writes as JSON.stringify does.
// Numbers stay as they came: those that only the sender's language writes so (1.0, 1e-05, 1.0E21) are lost to a parser of JavaScript and not found.
// Nor are \b and \f as Go wrote them before 1.22, nor what Jackson indents; what Go, Gson and Newtonsoft.Json indent is found as JavaScript's,
// where they escape nothing more.
const layouts: readonly Layout[] = [
  { name: 'JSON.stringify of JavaScript' },
  { name: 'JSON.stringify of JavaScript with 2 spaces', indent: '  ', colon: ': ' },
  { name: 'JSON.stringify of JavaScript with 4 spaces', indent: '    ', colon: ': ' },
  { name: 'JSON.stringify of JavaScript with tabs', indent: '\t', colon: ': ' },
  { name: 'json.dumps of Python', comma: ', ', colon: ': ', escaped: beyondPrintable },
  { name: 'json.dumps of Python with ensure_ascii=False', comma: ', ', colon: ': ' },
  {
    name: 'json.dumps of Python with sort_keys=True',
    comma: ', ',
    colon: ': ',
    escaped: beyondPrintable,
    isSorted: true,
  },
  { name: 'json.dumps of Python with indent=2', indent: '  ', colon: ': ', escaped: beyondPrintable },
  { name: 'json.dumps of Python with indent=4', indent: '    ', colon: ': ', escaped: beyondPrintable },
  { name: 'json.dumps of Python without spaces', escaped: beyondPrintable },
  { name: 'json_encode of PHP', escaped: /[\u0080-\uffff]/g, instead: slashes },
  { name: 'json_encode of PHP with JSON_UNESCAPED_UNICODE', escaped: /[\u2028\u2029]/g, instead: slashes },
  {
    name: 'json_encode of PHP with JSON_PRETTY_PRINT',
    indent: '    ',
    colon: ': ',
    escaped: /[\u0080-\uffff]/g,
    instead: slashes,
  },
  { name: 'encoding/json of Go, or to_json of Rails', escaped: html },
  { name: 'encoding/json of Go, from a map', escaped: html, isSorted: true },
  { name: 'Gson of Java', escaped: /[<>&='\u2028\u2029]/g },
  { name: 'writeValueAsString of Jackson', hasCapitals: true },
  { name: 'writeValueAsBytes of Jackson', escaped: /[\ud800-\udfff]/g, hasCapitals: true },
  { name: 'Newtonsoft.Json of .NET', escaped: /[\u0085\u2028\u2029]/g },
  {
    name: 'System.Text.Json of .NET',
    escaped: /[<>&'+`\u007f-\uffff]/g,
    hasCapitals: true,
    instead: { '\\"': '\\u0022' },
  },
]

/**
 * Writes a JSON text anew in the ways that senders' languages do, each also with a line break behind it; none where it is no JSON, or is
 * nested too deeply to be worth it.
 */
export function jsonStyles(text: string): readonly JsonStyle[] {
  try {
    JSON.parse(text)
    const tree = readTree(tokensOf(text))
    return layouts.flatMap((layout) => {
      const written = write(tree, layout, '\n')
      const plain = [
        { name: layout.name, text: written },
        { name: `${layout.name} and a line break`, text: `${written}\n` },
      ]
      return layout.indent === undefined
        ? plain
        : [...plain, { name: `${layout.name} and CRLF`, text: written.replaceAll('\n', '\r\n') }]
    })
  } catch {
    return []
  }
}

function tokensOf(text: string): string[] {
  return (text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? []).toReversed()
}

// Of tokens from the last to the first, of a text that JSON.parse has read.
function readTree(tokens: string[]): Tree {
  const token = tokens.pop() ?? ''
  if (token.startsWith('"')) return { kind: 'text', text: textOf(token) }
  if (token !== '{' && token !== '[') return { kind: 'word', text: token }
  const isObject = token === '{'
  const entries: Entry[] = []
  while (tokens.at(-1) !== '}' && tokens.at(-1) !== ']') {
    const name = isObject ? textOf(tokens.pop() ?? '') : ''
    if (isObject) tokens.pop()
    entries.push({ name, value: readTree(tokens) })
    if (tokens.at(-1) === ',') tokens.pop()
  }
  tokens.pop()
  return { kind: isObject ? 'object' : 'list', entries }
}

function textOf(token: string): string {
  return String(JSON.parse(token))
}

function write(tree: Tree, layout: Layout, lineBreak: string): string {
  if (tree.kind === 'word') return tree.text
  if (tree.kind === 'text') return quoted(tree.text, layout)
  const [open, close] = tree.kind === 'object' ? '{}' : '[]'
  if (tree.entries.length === 0) return `${open}${close}`
  const { indent, comma = ',', colon = ':', isSorted } = layout
  const inner = indent === undefined ? '' : lineBreak + indent
  const entries =
    isSorted && tree.kind === 'object'
      ? tree.entries.toSorted((left, right) => compareCodePoints(left.name, right.name))
      : tree.entries
  const written = entries.map(({ name, value }) => {
    const start = tree.kind === 'object' ? quoted(name, layout) + colon : ''
    return inner + start + write(value, layout, inner)
  })
  return `${open}${written.join(comma)}${indent === undefined ? '' : lineBreak}${close}`
}

// An escape ends where the next begins, so the u of a written backslash and a u is none.
const escapesAndSlashes = /\\(?:u[\da-f]{4}|[^u])|\//g

function quoted(text: string, { escaped, hasCapitals = false, instead = {} }: Layout): string {
  const escapeOf = (digits: string) => `\\u${hasCapitals ? digits.toUpperCase() : digits}`
  const written = JSON.stringify(text).replace(
    escapesAndSlashes,
    (part) => instead[part] ?? (part.length > 2 ? escapeOf(part.slice(2)) : part),
  )
  if (escaped === undefined) return written
  return written.replace(escaped, (unit) => escapeOf(unit.charCodeAt(0).toString(16).padStart(4, '0')))
}
