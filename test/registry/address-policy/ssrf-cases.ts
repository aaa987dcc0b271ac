import { readFileSync } from 'node:fs'
import type { AddressBlockCode, AddressOptions } from 'posthorn'

/** One case of ssrf-cases.json: where a webhook leads, and what the guard has to say about it. */
export interface SsrfCase {
  readonly id: string
  readonly class: string
  readonly url?: string
  readonly host?: string
  readonly expect: 'allowed' | 'blocked'
  readonly code?: AddressBlockCode | 'redirect'
  readonly opts?: { readonly nat64?: 'unwrap'; readonly allowHttp?: boolean; readonly allowPorts?: readonly number[] }
  readonly why: string
  readonly resolvesTo?: readonly string[]
  readonly resolvesToSequence?: readonly (readonly string[])[]
  readonly blockedAt?: number
  readonly redirectsTo?: readonly string[]
  readonly connectTo?: readonly string[]
}

const path = new URL('./ssrf-cases.json', import.meta.url)

/** All of them. */
export const ssrfCases = JSON.parse(readFileSync(path, 'utf8')) as SsrfCase[] // bytes become types

/** Its options, as ours are named. */
export function optionsOf({ opts = {} }: SsrfCase): AddressOptions {
  const { allowPorts, ...same } = opts
  return allowPorts === undefined ? same : { ...same, ports: allowPorts }
}

/** For the name of a test: without what would break a line, or fill one. */
export function titleOf({ id, why, url, host }: SsrfCase): string {
  return `${id} ${JSON.stringify(url ?? host).slice(0, 60)} (${why})`
}
