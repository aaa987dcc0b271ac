import type { LookupAddress } from 'node:dns'
import { isIPv6, type LookupFunction } from 'node:net'
import { AddressBlocked, type AddressBlock } from '../../registry/address-policy/address-block.ts'
import type { AddressPolicy } from '../../registry/address-policy/address-policy.ts'
import type { NameResolver } from './name-resolver.ts'

/** Makes the `lookup` of a socket: it gives out only addresses that the policy allows, and fails where a name has no others. */
export function guardedLookup(policy: AddressPolicy, resolver: NameResolver): LookupFunction {
  return (name, options, callback) => {
    void answer(permittedAddresses(name, policy, resolver), options.all === true, callback)
  }
}

async function answer(found: Promise<Permitted>, isAll: boolean, callback: Parameters<LookupFunction>[2]) {
  let permitted: Permitted
  try {
    permitted = await found
  } catch (error) {
    // One of ours, or what a resolver that was given threw: the socket's error either way.
    return callback(error instanceof Error ? error : new Error('The resolver failed.', { cause: error }), [])
  }
  const [first, ...others] = permitted
  if (isAll) return callback(null, [first, ...others])
  return callback(null, first.address, first.family)
}

type Permitted = readonly [LookupAddress, ...LookupAddress[]]

async function permittedAddresses(name: string, policy: AddressPolicy, resolver: NameResolver): Promise<Permitted> {
  const permitted: LookupAddress[] = []
  let block: AddressBlock = { code: 'ip', reason: `${name} has no address` }
  for (const address of await resolver.resolve(name)) {
    const found = policy.judgeAddress(address, name)
    if (found === null) permitted.push({ address, family: isIPv6(address) ? 6 : 4 })
    else block = { ...found, reason: `${name} → ${found.reason}` }
  }
  const [first, ...others] = permitted
  if (first === undefined) throw new AddressBlocked(block)
  return [first, ...others]
}
