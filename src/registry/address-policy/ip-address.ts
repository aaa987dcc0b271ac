import { isIPv4, isIPv6 } from 'node:net'

/** An IP address as a number. */
export interface IpAddress {
  readonly family: 4 | 6
  readonly value: bigint
}

/** A block of addresses: those that share the first `prefix` bits. */
export interface IpRange extends IpAddress {
  readonly prefix: number
}

/**
 * Reads an address as operating systems write it. Null for whatever else: short, octal and hexadecimal forms, white space, and zone ids, which
 * name an interface of this machine.
 */
export function parseIp(text: string): IpAddress | null {
  if (isIPv4(text)) return { family: 4, value: valueOf(text.split('.').map(Number), 8n) }
  if (isIPv6(text) && !text.includes('%')) return { family: 6, value: valueOf(groupsOf(text), 16n) }
  return null
}

/** Reads `10.0.0.0/8`, or a single address. Null where it is neither, or where bits are set behind the prefix. */
export function parseRange(text: string): IpRange | null {
  const [start = '', length, ...rest] = text.split('/')
  const ip = parseIp(start)
  if (ip === null || rest.length > 0) return null
  const width = widthOf(ip.family)
  if (length === undefined) return { ...ip, prefix: width }
  const prefix = /^(?:0|[1-9]\d{0,2})$/.test(length) ? Number(length) : Infinity
  if (prefix > width || ip.value !== networkOf(ip.value, width - prefix)) return null
  return { ...ip, prefix }
}

/** Says whether an address lies in a range of its own family. */
export function isWithin(ip: IpAddress, range: IpRange): boolean {
  return ip.family === range.family && networkOf(ip.value, widthOf(ip.family) - range.prefix) === range.value
}

/** The IPv4 address in the last 32 bits of an IPv6 address. */
export function embeddedIpv4(ip: IpAddress): IpAddress {
  return { family: 4, value: ip.value & 0xffff_ffffn }
}

function widthOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128
}

function networkOf(value: bigint, hostBits: number): bigint {
  return (value >> BigInt(hostBits)) << BigInt(hostBits)
}

function valueOf(parts: readonly number[], bits: bigint): bigint {
  return parts.reduce((value, part) => (value << bits) | BigInt(part), 0n)
}

// The eight groups of a valid IPv6 address, `::` filled up and a dotted tail taken apart.
function groupsOf(text: string): number[] {
  const [head = '', tail] = text.split('::')
  const left = groupsIn(head)
  if (tail === undefined) return left
  const right = groupsIn(tail)
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right]
}

function groupsIn(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const tail = Number(valueOf(group.split('.').map(Number), 8n))
    return [Math.floor(tail / 0x1_0000), tail % 0x1_0000]
  })
}
