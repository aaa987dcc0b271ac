import type { HeadersInput } from './header-reader.ts'

/** A request to verify: a fetch `Request` whose body nobody has read, or headers and raw body. */
export type VerifyInput = Request | RawRequest

/** A request as other servers give it. */
export interface RawRequest {
  /** The headers as they were received. */
  readonly headers: HeadersInput
  /** The body as it was received; a string stands for its UTF-8 bytes, `''` for none. */
  readonly body: string | Uint8Array | ArrayBuffer
  /** The method; needed by schemes that sign it (HubSpot, Contentful), `POST` unless given. */
  readonly method?: string | undefined
  /** The URL, whole or from its path on as in Node's `request.url`; needed by schemes that sign it (Twilio, HubSpot, Contentful). */
  readonly url?: string | undefined
}
