import type { AttemptErrorCode } from '../domain/delivery.ts'
import { AddressBlocked, type AddressBlock } from '../registry/address-policy/address-block.ts'

const byCode: Readonly<Record<string, AttemptErrorCode>> = {
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  ETIMEDOUT: 'connect_timeout',
  ENOTFOUND: 'dns', // of a fetch that was given
  NAME_NOT_RESOLVED: 'dns',
  ADDRESS_BLOCKED: 'blocked',
  ECONNREFUSED: 'refused',
  UND_ERR_ABORTED: 'refused', // by the proxy: an abort of ours is known before this is asked
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  EPROTO: 'tls',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls',
  UNABLE_TO_GET_ISSUER_CERT: 'tls',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  HOSTNAME_MISMATCH: 'tls',
  UND_ERR_HEADERS_OVERFLOW: 'protocol',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'protocol',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'protocol',
  ERR_ASSERTION: 'protocol', // of undici's, about what came: a status below 100
}

/** Names what a failed request met, from the codes of the error and of those underneath it. Never reads a message. */
export function errorCodeOf(error: unknown): AttemptErrorCode {
  for (const { code } of codedErrors(error, 5)) {
    const known = byCode[code]
    if (known !== undefined) return known
    if (code.startsWith('HPE_')) return 'protocol'
    if (code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_') || code.startsWith('CERT_')) return 'tls'
  }
  return 'network'
}

/** What the address guard found, where it was the guard that ended the request. */
export function blockOf(error: unknown): AddressBlock | null {
  for (const { cause } of codedErrors(error, 5)) if (cause instanceof AddressBlocked) return cause.block
  return null
}

interface CodedError {
  readonly code: string
  readonly cause: Error
}

// ofetch keeps undici's error as its cause; several addresses tried at once come as an AggregateError.
function* codedErrors(error: unknown, depth: number): Generator<CodedError> {
  if (!(error instanceof Error) || depth === 0) return
  if ('code' in error && typeof error.code === 'string') yield { code: error.code, cause: error }
  // undici gives its parser's errors a code only where the parser had one.
  if (error.name === 'HTTPParserError') yield { code: 'HPE_UNNAMED', cause: error }
  if (error instanceof AggregateError) for (const inner of error.errors) yield* codedErrors(inner, depth - 1)
  yield* codedErrors(error.cause, depth - 1)
}
