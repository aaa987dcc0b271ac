import { BoundedCache } from '../domain/bounded-cache.ts'
import type { AddressPolicy } from '../registry/address-policy/address-policy.ts'
import { refuseUrl, type Refused } from './guard/refuse-url.ts'

/** Where a request goes: its URL, and that in undici's words. */
export interface Target {
  readonly url: string
  readonly origin: string
  /** With the query. */
  readonly path: string
}

// A few hundred bytes each, of the longest URLs four kilobytes, and enough for every webhook that is busy at a time.
const maxKept = 10_000

/** Judges the URLs of requests, and takes those that may be used apart. What it found is kept: neither a policy nor a URL changes. */
export class Targets {
  readonly #policy: AddressPolicy
  readonly #found = new BoundedCache<Target | Refused>(maxKept)

  constructor(policy: AddressPolicy) {
    this.#policy = policy
  }

  /** The target of a URL, or why it may not be used. */
  of(url: string): Target | Refused {
    let found = this.#found.get(url)
    if (found === undefined) {
      found = refuseUrl(url, this.#policy) ?? targetOf(url)
      this.#found.set(url, found)
    }
    return found
  }
}

function targetOf(url: string): Target {
  const { origin, pathname, search } = new URL(url)
  return { url, origin, path: pathname + search }
}
