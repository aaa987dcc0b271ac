import { describe, expect, it } from 'vitest'
import { problemOfUrl } from '../../src/registry/url-policy.ts'

describe('problemOfUrl', () => {
  it.each([
    'https://example.com/hook',
    'http://example.com',
    'https://example.com:8443/a?b=c',
    'https://[2001:db8::1]/x',
  ])('accepts %s', (url) => expect(problemOfUrl(url)).toBeNull())

  it.each([
    ['', 'absolute'],
    ['/hook', 'absolute'],
    ['example.com/hook', 'absolute'],
    ['ftp://example.com', 'https://'],
    ['file:///etc/passwd', 'https://'],
    ['javascript:alert(1)', 'https://'],
    ['https://user@example.com', 'user name'],
    ['https://user:secret@example.com', 'user name'],
    ['https://example.com/#part', 'fragment'],
    ['https://example.com/\nx', 'control'],
    [' https://example.com', 'white space'],
    [`https://example.com/${'a'.repeat(2048)}`, '2048'],
  ])('refuses %j', (url, hint) => {
    expect(problemOfUrl(url)).toContain(hint)
  })

  it('does not repeat a password in its answer', () => {
    expect(problemOfUrl('https://user:hunter2@example.com')).not.toContain('hunter2')
  })
})
