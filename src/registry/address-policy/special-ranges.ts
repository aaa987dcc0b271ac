import { parseRange, type IpRange } from './ip-address.ts'

/** A range that no stranger's webhook has any business in, and what it is. */
export interface SpecialRange {
  readonly range: IpRange
  readonly text: string
  readonly name: string
}

/**
 * IPv4: everything of the IANA IPv4 Special-Purpose Address Registry, multicast, and the one public address that a cloud answers its
 * machines' metadata on.
 */
export const specialIpv4: readonly SpecialRange[] = ranges({
  '0.0.0.0/8': 'this network (RFC 791)',
  '10.0.0.0/8': 'private (RFC 1918)',
  '100.64.0.0/10': 'shared address space (RFC 6598)',
  '127.0.0.0/8': 'loopback (RFC 1122)',
  '168.63.129.16/32': 'the host of an Azure machine',
  '169.254.0.0/16': 'link-local, metadata of clouds (RFC 3927)',
  '172.16.0.0/12': 'private (RFC 1918)',
  '192.0.0.0/24': 'IETF protocol assignments (RFC 6890)',
  '192.0.2.0/24': 'documentation (RFC 5737)',
  '192.31.196.0/24': 'AS112 (RFC 7535)',
  '192.52.193.0/24': 'AMT (RFC 7450)',
  '192.88.99.0/24': '6to4 relay (RFC 7526)',
  '192.168.0.0/16': 'private (RFC 1918)',
  '192.175.48.0/24': 'AS112 (RFC 7534)',
  '198.18.0.0/15': 'benchmarks (RFC 2544)',
  '198.51.100.0/24': 'documentation (RFC 5737)',
  '203.0.113.0/24': 'documentation (RFC 5737)',
  '224.0.0.0/4': 'multicast (RFC 5771)',
  '240.0.0.0/4': 'reserved, broadcast (RFC 1112)',
})

/** IPv6 addresses that are given to hosts on the Internet (RFC 4291, section 2.4): all others are blocked. */
export const globalIpv6 = rangeOf('2000::/3')

/** What of {@link globalIpv6} is not given to hosts. */
export const specialIpv6: readonly SpecialRange[] = ranges({
  '2001::/23': 'IETF protocol assignments, Teredo, ORCHID (RFC 2928)',
  '2001:db8::/32': 'documentation (RFC 3849)',
  '2002::/16': '6to4 (RFC 3056)',
  '2620:4f:8000::/48': 'AS112 (RFC 7534)',
  '3ffe::/16': '6bone (RFC 3701)',
  '3fff::/20': 'documentation (RFC 9637)',
})

/** Addresses of this machine. */
export const loopback = ['127.0.0.0/8', '::1/128'].map(rangeOf)

/** IPv4 addresses written as IPv6: what counts is the IPv4 address. */
export const ipv4Mapped = rangeOf('::ffff:0:0/96')

/** The well-known prefix under which a NAT64 reaches IPv4 addresses (RFC 6052). */
export const nat64 = rangeOf('64:ff9b::/96')

function ranges(table: Readonly<Record<string, string>>): SpecialRange[] {
  return Object.entries(table).map(([text, name]) => ({ range: rangeOf(text), text, name }))
}

function rangeOf(text: string): IpRange {
  const range = parseRange(text)
  if (range === null) throw new TypeError(`${text} is no range of addresses.`)
  return range
}
