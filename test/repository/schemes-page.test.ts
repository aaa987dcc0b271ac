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

  // What nobody found in documentation or code of the provider's; a preset leaves this list when somebody has.
  it.each(
    'slack linear discord paypal intercom hubspot zendesk typeform calendly dropbox meta bitbucket jira razorpay gitlab docusign'.split(
      ' ',
    ),
  )('says what is not confirmed of %s', (name) => {
    const section = new RegExp(`^### \`${name}\`\\n\\n([^#]*)`, 'm').exec(readFileSync(schemesPage, 'utf8'))?.[1]
    expect(section).toMatch(/not\s+confirmed/i)
  })
})
