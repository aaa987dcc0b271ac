import { PosthornError } from '../domain/error.ts'
import { bodyToBytes, readRequestBody } from './body-reader.ts'
import { type HeadersInput, type HeaderTexts, readHeaders } from './header-reader.ts'

/** A request to verify: a fetch `Request` whose body nobody has read, or headers and raw body. */
export type VerifyInput = Request | RawRequest

/** A request as other servers give it. */
export interface RawRequest {
  /** The headers as they were received. */
  readonly headers: HeadersInput
  /** The body as it was received; a string stands for its UTF-8 bytes. */
  readonly body: string | Uint8Array | ArrayBuffer
}

/** A request opened for verifying: the headers asked for, and the body when it is wanted. */
export interface ReceivedRequest {
  readonly headers: HeaderTexts
  readonly readBody: (maxBytes: number, signal?: AbortSignal) => Uint8Array | Promise<Uint8Array>
}

/** Opens whatever was passed for a request; what cannot be read is a PosthornError, whatever it throws itself. */
export function openInput(input: unknown, names: readonly string[]): ReceivedRequest {
  return orUnreadable(() => {
    if (typeof input !== 'object' || input === null || !('headers' in input)) throw notARequest()
    const headers = readHeaders(input.headers, names)
    if (isRequest(input)) return { headers, readBody: (maxBytes, signal) => readRequestBody(input, maxBytes, signal) }
    return {
      headers,
      readBody: (maxBytes) => orUnreadable(() => bodyToBytes('body' in input ? input.body : undefined, maxBytes)),
    }
  })
}

function orUnreadable<Result>(read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    throw error instanceof PosthornError ? error : notARequest(error)
  }
}

// By its shape, not instanceof: frameworks and polyfills bring a Request of their own.
function isRequest(input: object): input is Request {
  return 'bodyUsed' in input && 'arrayBuffer' in input && typeof input.arrayBuffer === 'function'
}

function notARequest(cause?: unknown): PosthornError {
  const message = 'verify takes a Request or { headers, body } that can be read'
  return new PosthornError('VALIDATION_FAILED', `${message}.`, { cause, issues: [{ path: '', message }] })
}
