import type { LookupFunction, Socket } from 'node:net'
import { AddressBlocked } from '../../registry/address-policy/address-block.ts'
import type { AddressPolicy } from '../../registry/address-policy/address-policy.ts'
import { guardedLookup } from './guarded-lookup.ts'
import type { NameResolver } from './name-resolver.ts'

/** How a connection is opened: the settings of undici's `buildConnector` that matter here. */
export interface ConnectorSettings {
  readonly timeout: number
  readonly rejectUnauthorized: true
  readonly minVersion: 'TLSv1.2'
  readonly autoSelectFamily: true
  readonly lookup: LookupFunction
}

/** Opens one connection, as undici asks for it. undici's own connectors answer the socket at once as well, while it still connects. */
export type Connector<Target extends { readonly hostname: string }> = (target: Target, callback: Connected) => unknown

/** Told of a connection that is open, TLS included, or of what it met. */
export type Connected = (...result: [error: null, socket: Socket] | [error: Error, socket: null]) => void

/** What the guard needs to know. */
export interface GuardOptions {
  readonly policy: AddressPolicy
  readonly resolver: NameResolver
  /** Time to connect, name and TLS included, in milliseconds. */
  readonly connectTimeoutMs: number
}

/**
 * Makes the connector of an agent: it connects to addresses that the policy allows and to none besides. A literal address is judged before it is
 * connected to, because nothing is looked up for it; a name by what it resolves to now; and the address that the socket has in the end
 * once more, before anything is written to it. `build` is undici's `buildConnector`.
 */
export function guardedConnector<Target extends { readonly hostname: string }>(
  build: (settings: ConnectorSettings) => Connector<Target>,
  { policy, resolver, connectTimeoutMs }: GuardOptions,
): Connector<Target> {
  const open = build({
    timeout: connectTimeoutMs,
    // Said out loud, because environment variables and flags of Node's change the defaults.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    autoSelectFamily: true,
    lookup: guardedLookup(policy, resolver),
  })
  return (target, callback) => {
    const block = policy.judgeHost(target.hostname)
    if (block !== null) return callback(new AddressBlocked(block), null)
    const opening = open(target, (error, socket) => {
      if (error !== null) return callback(error, null)
      const refusal = refusalOf(policy, socket, target.hostname)
      if (refusal === null) return callback(null, socket)
      socket.destroy()
      return callback(refusal, null)
    })
    if (isSocket(opening)) destroyIfBlocked(opening, policy, target.hostname)
    return opening
  }
}

// Before TLS says its first word, so first among those who listen.
function destroyIfBlocked(socket: Socket, policy: AddressPolicy, host: string): void {
  socket.prependOnceListener('connect', () => {
    const refusal = refusalOf(policy, socket, host)
    if (refusal !== null) socket.destroy(refusal)
  })
}

function refusalOf(policy: AddressPolicy, { remoteAddress }: Socket, host: string): Error | null {
  // One that the other side has reset already has none. It is not used, and nobody was blocked.
  if (remoteAddress === undefined) return new ConnectionLost()
  const block = policy.judgeAddress(remoteAddress, host)
  return block === null ? null : new AddressBlocked(block)
}

class ConnectionLost extends Error {
  readonly code = 'ECONNRESET'
}

function isSocket(value: unknown): value is Socket {
  return typeof value === 'object' && value !== null && 'prependOnceListener' in value
}
