import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const folder = new URL('../../src/signing/', import.meta.url)
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, text: readFileSync(new URL(path, folder), 'utf8') }))

describe('the sources of signing', () => {
  it('case 13: compare signatures with isEqual and nothing else', () => {
    expect(sources.length).toBeGreaterThan(15)
    const compared =
      /[=!]==?\s*(?:candidate|expected|mac|signature)\b(?!s?[.?])|\b(?:candidate|expected|mac|signature)\s*[=!]==?/
    for (const { path, text } of sources) expect(text.match(compared)?.[0], path).toBeUndefined()
    expect('candidate === expected').toMatch(compared)
  })

  it('reach node: modules in the seam only, and Buffer nowhere', () => {
    const reaching = sources
      // The lines that diagnose tells people to write are not ours.
      .map(({ path, text }) => ({ path, text: text.replace(/\bline: ".*"/g, '') }))
      .filter(({ text }) => /\bfrom 'node:|\bimport\('node:|\bBuffer\b/.test(text))
      .map(({ path }) => path)
    expect(reaching.toSorted()).toEqual(['crypto-node.ts', 'hmac-node.ts'])
  })
})
