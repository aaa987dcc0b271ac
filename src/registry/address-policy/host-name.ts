/**
 * Top-level and other domains that name nothing on the Internet: RFC 6761, 6762, 7686, 8375, 9476; `internal` is reserved by ICANN for
 * private use (2024), the others are what private networks and container platforms use and ICANN will not delegate.
 */
const privateDomains: ReadonlySet<string> = new Set([
  'alt',
  'arpa',
  'corp',
  'example',
  'home',
  'internal',
  'intranet',
  'invalid',
  'lan',
  'local',
  'localdomain',
  'localhost',
  'mail',
  'onion',
  'private',
  'test',
])

// RFC 1123, section 2.1, and the underscore, which some receivers have.
const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** The name without the dot that ends it, in lower case: `Example.com.` is `example.com`. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

/** Says why a name cannot be a host on the Internet, or null where it can. What it resolves to is judged when it is connected to. */
export function problemOfName(text: string): string | null {
  const name = plainName(text)
  // RFC 1035, section 2.3.4: 255 octets on the wire are 253 characters.
  if (name.length > 253) return 'the name is longer than 253 characters'
  const labels = name.split('.')
  if (!labels.every((each) => label.test(each))) return `${name} is no host name (RFC 1123)`
  if (labels.length === 1) return `${name} is a name of a local network: it has no dot`
  const last = name.slice(name.lastIndexOf('.') + 1)
  return privateDomains.has(last) ? `.${last} is no domain of the Internet` : null
}

/** Says whether a name is this machine's by definition (RFC 6761, section 6.3). */
export function isLocalhost(name: string): boolean {
  return /(?:^|\.)localhost$/.test(plainName(name))
}
