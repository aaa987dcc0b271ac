import type { AddressBlock } from './address-block.ts'
import {
  addressRules,
  type AddressOptions,
  type AddressRules,
  type Listed,
  type NameServers,
  type ResolveName,
} from './address-options.ts'
import { isLocalhost, plainName, problemOfName } from './host-name.ts'
import { embeddedIpv4, isWithin, parseIp, type IpAddress } from './ip-address.ts'
import { isOrdinaryPort } from './ports.ts'
import { globalIpv6, ipv4Mapped, loopback, nat64, specialIpv4, specialIpv6 } from './special-ranges.ts'
import { judgeFragment, readUrl, type WebhookUrl } from './webhook-url.ts'

/** Judges where webhooks may lead. Its rules do not change; asked when a webhook is registered and again when it is sent to. */
export class AddressPolicy {
  readonly #rules: AddressRules

  /**
   * Creates a policy.
   * @throws {TypeError} or {RangeError} naming the option that is wrong.
   */
  constructor(options: AddressOptions = {}) {
    this.#rules = addressRules(options)
  }

  /** The proxy that opens every connection, or null. It may hold a password. */
  get proxy(): string | null {
    return this.#rules.proxy
  }

  /** Who resolves names. */
  get resolver(): 'dns' | 'system' | NameServers | ResolveName {
    return this.#rules.resolver
  }

  /** How long a name may take to resolve, in milliseconds. */
  get resolveTimeoutMs(): number {
    return this.#rules.resolveTimeoutMs
  }

  /** Judges a URL by its text, without asking anybody for addresses; null where it may be used. */
  judgeUrl(text: string): AddressBlock | null {
    const url = readUrl(text, this.#rules.allowHttp)
    if ('code' in url) return url
    return this.judgeHost(url.host) ?? this.#judgePort(url) ?? judgeFragment(text)
  }

  /** Judges the host of a connection: a name, or a literal address, for which nothing is ever looked up. */
  judgeHost(host: string): AddressBlock | null {
    // The URL parser makes an address of everything that looks like one, so what is none is a name.
    if (parseIp(host) !== null || host.includes(':')) return this.judgeAddress(host)
    const name = plainName(host)
    if (this.#rules.deny.names.has(name)) return { code: 'host', reason: `${name} is denied` }
    if (this.#rules.allow.names.has(name)) return null
    const problem = problemOfName(host)
    return problem === null ? null : { code: 'host', reason: problem }
  }

  /** Judges an address that a connection to `host` is to use, or uses. */
  judgeAddress(address: unknown, host?: string): AddressBlock | null {
    const ip = typeof address === 'string' ? parseIp(address) : null
    if (ip === null) return blockedIp(`${JSON.stringify(address) ?? 'nothing'} is no address`)
    const seenAs = this.#unwrapped(ip)
    if (isListed(ip, this.#rules.deny) || isListed(seenAs, this.#rules.deny))
      return blockedIp(`${String(address)} is denied`)
    if (host !== undefined && this.#rules.allow.names.has(plainName(host))) return null
    if (isListed(ip, this.#rules.allow) || isListed(seenAs, this.#rules.allow)) return null
    const special = specialName(seenAs)
    return special === null ? null : blockedIp(`${String(address)} is ${special}`)
  }

  // Whoever allows this machine itself is developing, where receivers listen on any port.
  #judgePort({ host, port }: WebhookUrl): AddressBlock | null {
    const { ports } = this.#rules
    const isFitting = ports === null ? isOrdinaryPort(port) || isThisMachine(host) : ports.has(port)
    return isFitting ? null : { code: 'port', reason: `port ${port} is none for webhooks` }
  }

  #unwrapped(ip: IpAddress): IpAddress {
    const isWrapped = isWithin(ip, ipv4Mapped) || (this.#rules.nat64 === 'unwrap' && isWithin(ip, nat64))
    return isWrapped ? embeddedIpv4(ip) : ip
  }
}

function isThisMachine(host: string): boolean {
  const ip = parseIp(host)
  return ip === null ? isLocalhost(host) : loopback.some((range) => isWithin(ip, range))
}

function isListed(ip: IpAddress, { ranges }: Listed): boolean {
  return ranges.some((range) => isWithin(ip, range))
}

function specialName(ip: IpAddress): string | null {
  if (ip.family === 6 && !isWithin(ip, globalIpv6)) return 'outside 2000::/3, where IPv6 hosts are (RFC 4291)'
  const special = (ip.family === 4 ? specialIpv4 : specialIpv6).find(({ range }) => isWithin(ip, range))
  return special === undefined ? null : `in ${special.text}: ${special.name}`
}

function blockedIp(reason: string): AddressBlock {
  return { code: 'ip', reason }
}
