import { parseRange, type IpRange } from './ip-address.ts'
import { plainName, problemOfName } from './host-name.ts'

/** Finds the addresses of a name. What it rejects with counts as a name that could not be resolved. */
export type ResolveName = (name: string) => Promise<readonly string[]>

/** Name servers to ask in place of the system's. */
export interface NameServers {
  /** Each `address` or `address:port`, IPv6 in brackets where a port follows; at least one. */
  readonly servers: readonly string[]
}

/**
 * Which addresses webhooks may use. Unless told otherwise: `https:` to public addresses, on ports 443, 80, and those from 1024 on that are
 * not known for databases and the like. Each option lifts or adds one rule and leaves the others.
 */
export interface AddressOptions {
  /**
   * What may be used although it is not public: ranges (`10.1.0.0/16`), single addresses, and exact names. An address that is allowed may be
   * used by every webhook, also through a name that resolves to it. A name that is allowed may resolve to any address, so allow only names
   * whose DNS is yours. None unless given.
   */
  readonly allow?: readonly string[]
  /** What may not be used although it is public, or allowed: ranges, single addresses, and exact names. None unless given. */
  readonly deny?: readonly string[]
  /** Whether `http:` may be used, which everybody on the way can read; false unless given. */
  readonly allowHttp?: boolean
  /**
   * The only ports that may be used, 1 to 65,535. Unless given, 443, 80, and those from 1024 on that are not known for databases and the like; any
   * on this machine itself, where that is allowed.
   */
  readonly ports?: readonly number[]
  /**
   * An HTTP proxy (`http://proxy.internal:3128`) that opens every connection, by `CONNECT`. Names are then resolved by the proxy, and which
   * addresses they lead to is the proxy's to judge: it is the boundary. The rules for URLs, names and literal addresses apply here as well.
   */
  readonly proxy?: string
  /**
   * Who resolves names. `dns` (unless given) asks the system's name servers, without threads, so that a silent one delays nobody else.
   * `system` asks the operating system, which knows its hosts file and the names of compose networks, but answers four at a time. Or name
   * servers of yours, or a function.
   */
  readonly resolver?: 'dns' | 'system' | NameServers | ResolveName
  /** How long a name may take to resolve, 10 to 60,000 ms; 3,000 unless given. The time to connect includes it. */
  readonly resolveTimeoutMs?: number
  /**
   * Addresses below `64:ff9b::/96`, by which a NAT64 reaches IPv4 (RFC 6052): `block` unless given; `unwrap` judges the IPv4 address within,
   * for hosts that have IPv6 only.
   */
  readonly nat64?: 'block' | 'unwrap'
}

/** What `allow` or `deny` names. */
export interface Listed {
  readonly ranges: readonly IpRange[]
  readonly names: ReadonlySet<string>
}

/** The options, checked and complete. */
export interface AddressRules {
  readonly allow: Listed
  readonly deny: Listed
  readonly allowHttp: boolean
  readonly ports: ReadonlySet<number> | null
  readonly proxy: string | null
  readonly resolver: 'dns' | 'system' | NameServers | ResolveName
  readonly resolveTimeoutMs: number
  readonly nat64: 'block' | 'unwrap'
}

/** Checks the options and fills in the defaults. */
export function addressRules(options: AddressOptions = {}): AddressRules {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`addresses must be an object such as { allow: ['127.0.0.0/8'] }, not ${String(options)}.`)
  }
  for (const name of Object.keys(options)) {
    if (!(name in checks)) {
      throw new TypeError(`addresses has no option ${name}; known are ${Object.keys(checks).join(', ')}.`)
    }
  }
  return Object.freeze({
    allow: checks.allow(options.allow ?? []),
    deny: checks.deny(options.deny ?? []),
    allowHttp: checks.allowHttp(options.allowHttp ?? false),
    ports: options.ports === undefined ? null : checks.ports(options.ports),
    proxy: options.proxy === undefined ? null : checks.proxy(options.proxy),
    resolver: checks.resolver(options.resolver ?? 'dns'),
    resolveTimeoutMs: checks.resolveTimeoutMs(options.resolveTimeoutMs ?? 3_000),
    nat64: checks.nat64(options.nat64 ?? 'block'),
  })
}

const checks = {
  allow: (value: unknown) => listed('allow', value),
  deny: (value: unknown) => listed('deny', value),
  allowHttp(value: unknown): boolean {
    if (typeof value === 'boolean') return value
    throw new TypeError(`addresses.allowHttp must be true or false, not ${String(value)}.`)
  },
  ports(value: unknown): ReadonlySet<number> {
    for (const port of list<number>('ports', value)) {
      if (!Number.isInteger(port) || port < 1 || port > 65_535) {
        throw new RangeError(`addresses.ports must hold integers from 1 to 65535, not ${String(port)}.`)
      }
    }
    return new Set(value as number[]) // checked above
  },
  proxy(value: unknown): string {
    const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null
    if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href
    // Not repeated: it may hold a password.
    throw new TypeError('addresses.proxy must be an http:// or https:// URL, for instance http://proxy.internal:3128.')
  },
  resolver(value: unknown): AddressRules['resolver'] {
    if (value === 'dns' || value === 'system') return value
    if (typeof value === 'function') return value as ResolveName // what it answers is judged as text
    const { servers } = value as { readonly servers?: unknown } // of whatever else than an object, undefined
    if (Array.isArray(servers) && servers.length > 0 && servers.every((each) => typeof each === 'string')) {
      return Object.freeze({ servers: Object.freeze([...servers]) })
    }
    throw new TypeError("addresses.resolver must be 'dns', 'system', { servers: ['192.0.2.1'] } or a function.")
  },
  resolveTimeoutMs(value: unknown): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 10 && value <= 60_000) return value
    throw new RangeError(`addresses.resolveTimeoutMs must be an integer from 10 to 60000, not ${String(value)}.`)
  },
  nat64(value: unknown): 'block' | 'unwrap' {
    if (value === 'block' || value === 'unwrap') return value
    throw new TypeError(`addresses.nat64 must be 'block' or 'unwrap', not ${String(value)}.`)
  },
} satisfies Record<keyof AddressOptions, (value: unknown) => unknown>

function listed(option: string, value: unknown): Listed {
  const ranges: IpRange[] = []
  const names = new Set<string>()
  for (const entry of list<string>(option, value)) {
    const range = typeof entry === 'string' ? parseRange(entry) : null
    if (range !== null) ranges.push(range)
    else if (isName(entry)) names.add(plainName(entry))
    else {
      throw new TypeError(
        `addresses.${option} has ${JSON.stringify(entry)}, which is neither an address, nor a range such as 10.0.0.0/8, nor an exact name.`,
      )
    }
  }
  return { ranges, names }
}

// A name as URLs have it; that it is private is why it is listed. What ends in a number is no name to a URL, which makes another address of it or none.
function isName(entry: unknown): entry is string {
  if (typeof entry !== 'string' || !URL.canParse(`https://${entry}/`)) return false
  const { hostname } = new URL(`https://${entry}/`)
  return hostname === entry.toLowerCase() && problemOfName(`${plainName(entry)}.com`) === null
}

function list<T>(option: string, value: unknown): readonly T[] {
  if (Array.isArray(value)) return value as T[] // each entry is looked at by the caller
  throw new TypeError(`addresses.${option} must be a list, not ${String(value)}.`)
}
