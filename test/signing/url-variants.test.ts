import { describe, expect, it } from 'vitest'
import { shownUrl, urlVariants } from '../../src/signing/url-variants.ts'

const variants = (signedUrl: string, headers: Record<string, string> = {}, url?: string) =>
  urlVariants(signedUrl, url === undefined ? { headers, body: '' } : { headers, body: '', url })
const hostsOf = (urls: readonly string[]) => new Set(urls.map((url) => url.split('/')[2]))

describe('urlVariants', () => {
  it('lists both schemes, with the usual port of each and a slash at the end, and not the URL itself', () => {
    const others = [
      'https://example.com/hook/?a',
      'https://example.com:443/hook?a',
      'https://example.com:443/hook/?a',
      'http://example.com/hook?a',
      'http://example.com/hook/?a',
      'http://example.com:80/hook?a',
      'http://example.com:80/hook/?a',
    ]
    expect(variants('https://example.com/hook?a')).toEqual(others)
    // Of a URL without a path, none is known.
    expect(variants('https://example.com/hook?a', {}, 'https://example.com')).toEqual(others)
  })

  it('takes any number of slashes off the end, and a port off the host', () => {
    const urls = variants('http://[::1]:8080/hook//')
    expect(urls).toContain('http://[::1]/hook')
    expect(urls).toContain('http://[::1]:8080/hook')
    expect(urls).toContain('https://[::1]:443/hook/')
    expect(hostsOf(urls)).toEqual(new Set(['[::1]:8080', '[::1]', '[::1]:443', '[::1]:80']))
  })

  it('lists the hosts that headers and the URL of the request name, and none that cannot be one', () => {
    const headers = {
      host: 'one.example',
      'x-forwarded-host': 'two.example , a/b, c d',
      'x-original-host': 'three.example',
      forwarded: 'for=1.2.3.4;host=four.example, host="five.example"',
    }
    const urls = variants('https://zero.example/', headers, 'https://six.example/')
    const names = ['zero', 'one', 'two', 'three', 'four', 'five', 'six'].map((name) => `${name}.example`)
    expect(hostsOf(urls)).toEqual(new Set(names.flatMap((name) => [name, `${name}:443`, `${name}:80`])))
  })

  it('lists the ports that a header names, and none that cannot be one', () => {
    const urls = variants('https://example.com/', { 'x-forwarded-port': '8443, 1b, b1, 123456, 3000' })
    const ports = ['', ':443', ':80', ':8443', ':3000']
    expect(hostsOf(urls)).toEqual(new Set(ports.map((port) => `example.com${port}`)))
  })

  it('lists the path of the request, also below a prefix that a header names', () => {
    const pathsOf = (headers: Record<string, string>, url: string) =>
      new Set(variants('https://example.com/a', headers, url).map((one) => one.split(/example\.com(?::\d+)?/)[1]))
    expect(pathsOf({}, '/b?c')).toEqual(new Set(['/a', '/a/', '/b', '/b/']))
    expect(pathsOf({}, 'https://example.com/b#c')).toEqual(new Set(['/a', '/a/', '/b', '/b/']))
    const prefixed = new Set(['/a', '/a/', '/b', '/b/', '/api/b', '/api/b/'])
    expect(pathsOf({ 'x-forwarded-prefix': '/api//' }, '/b')).toEqual(prefixed)
  })

  it.each(['/hook', 'see https://example.com/', 'https://example.com/?a\nb'])(
    'lists none of %j, which is no URL',
    (text) => {
      expect(variants(text)).toEqual([])
    },
  )
})

describe('a header that names hosts without end', () => {
  it('is read to 4,096 characters', () => {
    const naming = (count: number) => ({ 'x-forwarded-host': `${'a.example,'.repeat(count)}last.example` })
    expect(hostsOf(variants('https://example.com/hook', naming(400)))).toContain('last.example')
    expect(hostsOf(variants('https://example.com/hook', naming(410)))).not.toContain('last.example')
  })
})

describe('shownUrl', () => {
  it.each([
    ['https://me:hidden@example.com/hook?token=1', 'https://example.com/hook'],
    ['HTTP://me@example.com', 'HTTP://example.com'],
    ['https://example.com/@me', 'https://example.com/@me'],
    ['see https://me@example.com', 'see https://me@example.com'],
  ])('shows %s as %s', (url, shown) => {
    expect(shownUrl(url)).toBe(shown)
  })
})
