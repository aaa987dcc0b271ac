import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { schemesPage, writeSchemesPage } from './schemes-page.ts'

describe('docs/schemes.md', () => {
  it('is what the presets say: run `npm run docs:schemes` after changing one', () => {
    const page = writeSchemesPage()
    if (process.env['POSTHORN_WRITE_DOCS'] === '1') writeFileSync(schemesPage, page)
    expect(existsSync(schemesPage) ? readFileSync(schemesPage, 'utf8') : '').toBe(page)
  })

  it('has a row and a note for each scheme', () => {
    const page = writeSchemesPage()
    expect(page.match(/^\| `/gm)).toHaveLength(49)
    expect(page.match(/^### `/gm)).toHaveLength(49)
    expect(page).toMatch(/`mailgun` .*timestamp, token/)
    expect(page).toMatch(/`gitlabToken` .*\*\*nothing\*\*/)
  })
})
