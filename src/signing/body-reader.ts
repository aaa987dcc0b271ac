import { copyBytes } from '#crypto'
import { PosthornError } from '../domain/error.ts'

/** Gives a copy of a body's exact bytes, which nobody else can change between verifying and parsing. */
export function bodyToBytes(body: unknown, maxBytes: number): Uint8Array {
  // A text has at least as many bytes as units; a huge one is not even encoded.
  const isText = typeof body === 'string'
  if (isText && body.length > maxBytes) throw tooLarge(maxBytes)
  const bytes = isText ? new TextEncoder().encode(body) : viewOf(body)
  if (!bytes)
    throw rawBodyRequired(body ? `a parsed or not yet read ${typeof body}` : `${String(body)}; for none pass ''`)
  if (bytes.length > maxBytes) throw tooLarge(maxBytes)
  return isText ? bytes : copyBytes(bytes)
}

/** Gives bytes of any kind as they are; null for what is none. */
function viewOf(body: unknown): Uint8Array | null {
  if (body instanceof Uint8Array) return body
  // Of other kinds, and of another realm: test runners and VM contexts bring classes of their own.
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  // as: its tag says so.
  return {}.toString.call(body) === '[object ArrayBuffer]' ? new Uint8Array(body as ArrayBuffer) : null
}

/** Reads a fetch request's body, and stops as soon as it is over the limit. */
export async function readRequestBody(
  { body, bodyUsed, headers }: Pick<Request, 'body' | 'bodyUsed' | 'headers'>,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (bodyUsed || body?.locked) throw rawBodyRequired('already read')
  if (Number(headers.get('content-length')) > maxBytes) throw tooLarge(maxBytes)
  // One buffer that doubles: a body dripping in byte by byte must not cost an object for each.
  let bytes = new Uint8Array(0)
  let length = 0
  let reads = 0
  const write = (given: unknown) => {
    const chunk = viewOf(given)
    // Every read brings a byte at least, so more reads than bytes are no honest body.
    if (!chunk || reads++ > maxBytes) throw new TypeError('no bytes')
    const end = length + chunk.length
    if (end > maxBytes) throw tooLarge(maxBytes)
    if (end > bytes.length) {
      const smaller = bytes
      bytes = new Uint8Array(Math.min(maxBytes, 2 * end))
      bytes.set(smaller)
    }
    bytes.set(chunk, length)
    length = end
  }
  try {
    await body?.pipeTo(new WritableStream({ write }), signal ? { signal } : {})
  } catch (error) {
    throw error instanceof PosthornError
      ? error
      : new PosthornError('BODY_UNREADABLE', 'The body ended early.', { cause: error })
  }
  return bytes.slice(0, length)
}

function tooLarge(maxBytes: number): PosthornError {
  return new PosthornError('BODY_TOO_LARGE', `The body is over ${maxBytes} bytes (maxBodyBytes).`)
}

function rawBodyRequired(found: string): PosthornError {
  return new PosthornError(
    'RAW_BODY_REQUIRED',
    `The body is ${found}: verify the raw bytes, before any parser (express.raw({ type: () => true })).`,
  )
}
