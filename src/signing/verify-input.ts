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
  /** The method; needed by schemes that sign it (HubSpot, Contentful), `POST` unless given. */
  readonly method?: string | undefined
  /** The URL, whole or from its path on as in Node's `request.url`; needed by schemes that sign it (Twilio, HubSpot, Contentful). */
  readonly url?: string | undefined
}

/** A request opened for verifying: the headers asked for, and the body when it is wanted. */
export interface ReceivedRequest {
  readonly method: string
  readonly url: string
  readonly readTexts: (names: readonly string[]) => HeaderTexts
  readonly readBody: (maxBytes: number, signal?: AbortSignal) => Uint8Array | Promise<Uint8Array>
}

/** Opens whatever was passed for a request. */
export function openInput(input: unknown): ReceivedRequest {
  if (typeof input !== 'object' || input === null || !('headers' in input)) throw new TypeError('no request')
  // as: each member is checked where it is read.
  const { headers, body, method, url, bodyUsed } = input as Partial<Record<keyof Request, unknown>>
  return {
    method: typeof method === 'string' ? method.toUpperCase() : 'POST',
    url: typeof url === 'string' ? url : '',
    readTexts: (names) => readHeaders(headers, names),
    readBody: (maxBytes, signal) =>
      // By its shape, not instanceof: frameworks and polyfills bring a Request of their own.
      bodyUsed === undefined ? bodyToBytes(body, maxBytes) : readRequestBody(input as Request, maxBytes, signal),
  }
}
