import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import vectors from '../../scripts/runtimes/vectors.json' with { type: 'json' }
import type { Place, Scheme } from '../../src/signing/scheme.ts'
import { schemeOf, signedRequests } from '../signing/schemes/requests.ts'
import { repositoryRoot } from './source-tree.ts'

/** Where the page is. */
export const schemesPage = join(repositoryRoot, 'docs/schemes.md')

// The packages of test/signing/interop.test.ts and test/signing/schemes/differential.test.ts.
const peers: Readonly<Record<string, string>> = {
  standardWebhooks: 'standardwebhooks',
  svix: 'svix',
  stripe: 'stripe',
  github: '@octokit/webhooks-methods',
  slack: '@slack/bolt',
  twilio: 'twilio',
}

/** Writes the page from the presets, the signed requests and the vectors that the tests use, and the comments of the presets. */
export function writeSchemesPage(): string {
  const requests = signedRequests.filter(({ name, scheme }) => name === scheme)
  const rows = requests.map((request) => rowOf(request.scheme, schemeOf(request)))
  const notes = requests.map(({ scheme }) => `### \`${scheme}\`\n\n${commentOf(scheme)}`)
  return `${head}\n${table(rows)}\n\n${middle}\n\n${notes.join('\n\n')}\n`
}

const head = `# Schemes

Generated from the presets by \`npm run docs:schemes\`; do not edit. Import them from \`posthorn/schemes\`; those marked * fetch the sender's
keys and are in \`posthorn/schemes-fetching\`.

- **Covers** is what the signature proves to be unchanged. Where \`body\` is missing, whoever captured one request can write another body:
  \`checksum\` is a CRC-32, to which another body is easily fitted; of \`fields\` only the members that the scheme's page names are proven.
- A compressed body (\`Content-Encoding\`) is verified as the bytes that came; no preset decompresses. Where a provider signs what it compresses
  afterwards, decompress in front of the verifier, and bound what comes out.
- **Freshness** is the age that is accepted unless \`maxAgeMs\` says otherwise. *unsigned*: the sender names a time, which anybody can change,
  so nobody reads it. *none*: no time at all. In both cases a captured request can be sent again at any time: drop repeats by event id.
- **Event id** is where the id for dropping repeats comes from.
- **Vector** says whether a signature that somebody else published is verified by the tests; every scheme is tested with a request that was laid
  out apart from it.
- **Peer** is the package that it was compared with, in both directions.
- **Runtimes**: every scheme runs on Node 20, 22, 24 and 26, Bun, Deno, workerd and from a browser bundle (\`npm run test:runtimes\`).
- **Fetched keys** (those marked *, and \`keyList\`) are kept for an hour and shared by all requests: one fetch at a time, for which all that need it
  wait, and ten a minute at most. On Workers a fetch belongs to the request that started it. Where that request ends first, the others fetch again:
  at once, or with a compatibility date before 2024-10-14 after \`timeoutMs\`; there it may be one fetch for each of them.
`

const middle = `## What each is

What is said to be *not confirmed* was read in no documentation or code of the provider's: try it before you rely on it.`

function rowOf(name: string, scheme: Scheme): readonly string[] {
  const mark = scheme.keySource === undefined ? '' : ' *'
  const { timestamp } = scheme
  const freshness = timestamp === null ? (scheme.freshness ?? 'none') : `${(timestamp.maxAgeMs ?? 300_000) / 1000} s`
  // HubSpot's is in vectors.test.ts alone, because its time is of 1970.
  const hasVector = name === 'hubspot' || vectors.some((vector) => vector.scheme === name)
  const algorithms = Object.keys(scheme.signature.prefixes).join(', ')
  return [
    `\`${name}\`${mark}`,
    algorithms,
    scheme.covers.join(', ') || '**nothing**',
    freshness,
    placeOf(scheme.eventId),
    hasVector ? 'yes' : 'no',
    peers[name] ?? '',
  ]
}

function placeOf(place: Place | null): string {
  if (place === null) return 'none'
  if ('from' in place) return `body: ${place.from}`
  return 'header' in place ? `\`${place.header}\`` : `body \`${place.body}\``
}

function table(rows: readonly (readonly string[])[]): string {
  const columns = ['Scheme', 'Signature', 'Covers', 'Freshness', 'Event id', 'Vector', 'Peer']
  const all = [columns, ...rows]
  const widths = columns.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [header = '', ...lines] = all.map(line)
  return [header, line(widths.map((width) => '-'.repeat(width))), ...lines].join('\n')
}

/** The comment above the export, which is where a preset's traps are written down. */
function commentOf(name: string): string {
  const file = name === 'ipaScheme' ? 'ipa' : name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const source = readFileSync(join(repositoryRoot, `src/signing/schemes/${file}.ts`), 'utf8')
  const before = source.slice(0, source.search(new RegExp(`^export (?:const|function) ${name}\\b`, 'm')))
  const comment = before.slice(before.lastIndexOf('/**') + 3, before.lastIndexOf('*/'))
  return comment
    .replace(/^\s*\* ?/gm, '')
    .trim()
    .replace(/\{@link (\w+)\}/g, '`$1`')
}
