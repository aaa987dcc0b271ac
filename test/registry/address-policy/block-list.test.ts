import { BlockList, isIPv4 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AddressPolicy } from '../../../src/registry/address-policy/address-policy.ts'
import { embeddedIpv4, isWithin, parseIp, parseRange } from '../../../src/registry/address-policy/ip-address.ts'
import { globalIpv6, specialIpv4, specialIpv6 } from '../../../src/registry/address-policy/special-ranges.ts'
import { runs } from '../../support/runs.ts'

// Node's own table, driven as it has to be: one list per family, because a list of both also looks for IPv6 in its IPv4 rules, and the
// mapped ones taken apart by us, because it did not always do so itself.
const ipv4List = new BlockList()
const ipv6List = new BlockList()
const globalList = new BlockList()
for (const { text } of specialIpv4) ipv4List.addSubnet(...subnetOf(text), 'ipv4')
for (const { text } of specialIpv6) ipv6List.addSubnet(...subnetOf(text), 'ipv6')
globalList.addSubnet('2000::', 3, 'ipv6')

function subnetOf(text: string): [string, number] {
  const [network = '', prefix] = text.split('/')
  return [network, Number(prefix)]
}

function isBlockedByNode(address: string): boolean {
  if (isIPv4(address)) return ipv4List.check(address, 'ipv4')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1]
  if (mapped !== undefined) return ipv4List.check(mapped, 'ipv4')
  return !globalList.check(address, 'ipv6') || ipv6List.check(address, 'ipv6')
}

// Random ones hardly ever hit a range, so half of them lie at or near the edge of one.
const ipv4 = fc.oneof(
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc
    .tuple(fc.constantFrom(...specialIpv4), fc.boolean(), fc.integer({ min: -2, max: 2 }))
    .map(([{ range }, isEnd, by]) => {
      const edge = range.value + (isEnd ? 2n ** BigInt(32 - range.prefix) - 1n : 0n)
      return Number((edge + BigInt(by)) & 0xffff_ffffn)
    }),
)
const ipv4Text = ipv4.map((value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.'))
const edges6 = [...specialIpv6.map(({ range }) => range), globalIpv6]
const ipv6 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 125n - 1n }).map((value) => value + globalIpv6.value),
  fc.tuple(fc.constantFrom(...edges6), fc.boolean(), fc.integer({ min: -2, max: 2 })).map(([range, isEnd, by]) => {
    const edge = range.value + (isEnd ? 2n ** BigInt(128 - range.prefix) - 1n : 0n)
    return (edge + BigInt(by)) & (2n ** 128n - 1n)
  }),
)
const ipv6Text = ipv6.map((value) => {
  const groups = value.toString(16).padStart(32, '0').match(/.{4}/g) ?? []
  return groups.join(':')
})

describe('the table of addresses', () => {
  const policy = new AddressPolicy()

  it('agrees with net.BlockList on random addresses', () => {
    const address = fc.oneof(
      ipv4Text,
      ipv6Text,
      ipv4Text.map((text) => `::ffff:${text}`),
    )
    fc.assert(
      fc.property(address, (text) => {
        expect(policy.judgeAddress(text) !== null, text).toBe(isBlockedByNode(text))
      }),
      { numRuns: runs(20_000) },
    )
  })

  it('blocks an IPv4 address in whichever form it is written, or none', () => {
    fc.assert(
      fc.property(ipv4Text, (text) => {
        const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number)
        const forms = [
          `::ffff:${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`,
          `0:0:0:0:0:FFFF:${text}`,
          `0000:0000:0000:0000:0000:ffff:${text}`,
        ]
        const isBlocked = policy.judgeAddress(text) !== null
        for (const form of forms) expect(policy.judgeAddress(form) !== null, form).toBe(isBlocked)
        const hosts = [
          `${a}.${b}.${(c << 8) | d}`,
          `0x${a.toString(16)}.0${b.toString(8)}.${c}.${d}`,
          String(((a << 24) | (b << 16) | (c << 8) | d) >>> 0),
        ]
        for (const host of hosts) expect(policy.judgeUrl(`https://${host}/`) !== null, host).toBe(isBlocked)
      }),
      { numRuns: runs(2_000) },
    )
  })
})

describe('parseIp', () => {
  it('reads what it wrote, and knows the IPv4 address within', () => {
    fc.assert(
      fc.property(ipv4Text, (text) => {
        const wrapped = parseIp(`64:ff9b::${text}`)
        expect(wrapped && embeddedIpv4(wrapped)).toEqual(parseIp(text))
        expect(isWithin(parseIp(text)!, parseRange('0.0.0.0/0')!)).toBe(true)
        expect(isWithin(parseIp(text)!, parseRange('::/0')!)).toBe(false)
      }),
      { numRuns: runs(500) },
    )
  })
})
