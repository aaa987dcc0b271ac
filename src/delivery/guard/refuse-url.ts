import type { AttemptErrorCode } from '../../domain/delivery.ts'
import type { AddressBlock } from '../../registry/address-policy/address-block.ts'
import type { AddressPolicy } from '../../registry/address-policy/address-policy.ts'

/** What a request met that was not even begun. */
export interface Refused {
  readonly status: null
  readonly error: AttemptErrorCode
  readonly block: AddressBlock
}

/** Judges a URL again before it is sent to: it may have been stored under other rules. Null where it may be used. */
export function refuseUrl(url: string, policy: AddressPolicy): Refused | null {
  const block = policy.judgeUrl(url)
  if (block === null) return null
  return { status: null, error: isMalformed(block, url) ? 'invalid_url' : 'blocked', block }
}

// What no change of the rules could make a webhook's URL: it is not tried again.
function isMalformed({ code }: AddressBlock, url: string): boolean {
  if (code === 'scheme') return !/^https?:/i.test(url)
  return code === 'parse' || code === 'chars' || code === 'userinfo'
}
