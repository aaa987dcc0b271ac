import { readHeaders } from './header-reader.ts'
import type { RawRequest } from './verify-input.ts'

/** Shows a URL without its query and its password. */
export function shownUrl(url: string): string {
  return (url.split('?')[0] ?? '').replace(/^(https?:\/\/)[^/@]*@/i, '$1')
}

/**
 * Lists URLs that a provider may have signed for a request in place of one: http and https, the hosts and paths that the request names, with
 * and without the usual port and a slash at the end. The query stays as it is. For trying only: whoever sends a request writes all of it.
 */
export function urlVariants(signedUrl: string, request: RawRequest): readonly string[] {
  const parts = /^https?:\/\/([^/?#]*@)?([^/?#]*)([^?#]*)(.*)$/i.exec(signedUrl)
  if (parts === null) return []
  const [, user = '', host = '', path = '', query = ''] = parts
  const named = namedBy(request)
  const paths = [path, ...named.paths].flatMap((one) => {
    const bare = one.replace(/\/+$/, '')
    return [one, bare, `${bare}/`]
  })
  const urls = [host, ...named.hosts].flatMap((one) =>
    ['https', 'http'].flatMap((scheme) =>
      withPorts(one, scheme, named.ports).flatMap((whole) =>
        paths.map((chosen) => `${scheme}://${user}${whole}${chosen}${query}`),
      ),
    ),
  )
  return [...new Set(urls)].filter((url) => url !== signedUrl).slice(0, maxVariants)
}

// Each is a signature; a request can name as many hosts as it likes.
const maxVariants = 400

function withPorts(host: string, scheme: string, ports: readonly string[]): readonly string[] {
  const bare = host.replace(/:\d*$/, '')
  const usual = scheme === 'https' ? '443' : '80'
  return [host, bare, ...[usual, ...ports].map((port) => `${bare}:${port}`)]
}

const maxLength = 4096

function namedBy({ headers, url = '' }: RawRequest) {
  const texts = readHeaders(headers)
  // What is longer is not worth a guess.
  const textOf = (name: string) => (texts.get(name) ?? '').slice(0, maxLength)
  const listed = (name: string) =>
    textOf(name)
      .split(',')
      .map((text) => text.trim())
  const forwarded = [...textOf('forwarded').matchAll(/\bhost="?([^";,\s]+)/gi)].map(([, host = '']) => host)
  const [, ofUrl = '', path = ''] = /^(?:https?:\/\/([^/?#]*))?([^?#]*)/i.exec(url) ?? []
  const prefixes = listed('x-forwarded-prefix').map((prefix) => prefix.replace(/\/+$/, ''))
  const hosts = [...listed('host'), ...listed('x-forwarded-host'), ...listed('x-original-host'), ...forwarded, ofUrl]
  return {
    hosts: hosts.filter((host) => /^[\w.:[\]-]+$/.test(host)),
    ports: listed('x-forwarded-port').filter((port) => /^\d{1,5}$/.test(port)),
    paths: path === '' ? [] : [path, ...prefixes.map((prefix) => prefix + path)],
  }
}
