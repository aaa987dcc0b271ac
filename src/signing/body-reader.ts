import { copyBytes } from '#crypto'
import { PosthornError } from '../domain/error.ts'

/** Gives a copy of a body's exact bytes, which nobody else can change between verifying and parsing. */
export const bodyToBytes = (body: unknown, maxBytes: number): Uint8Array => {
  const isText = typeof body === 'string'
  const bytes = isText ? new TextEncoder().encode(body) : viewOf(body)
  if (!bytes) throw notRaw()
  if (bytes.length > maxBytes) throw tooLarge(maxBytes)
  return isText ? bytes : copyBytes(bytes)
}

/** Reads a fetch request's body, and stops as soon as it is over the limit. */
export const readRequestBody = async (
  { body, bodyUsed, headers }: Pick<Request, 'body' | 'bodyUsed' | 'headers'>,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array> => {
  if (bodyUsed || body?.locked) throw notRaw()
  if (Number(headers.get('content-length')) > maxBytes) throw tooLarge(maxBytes)
  // One buffer that doubles: a body dripping in byte by byte must not cost an object for each.
  let bytes = new Uint8Array(0)
  let length = 0
  let reads = 0
  const write = (given: unknown) => {
    const chunk = viewOf(given) as Uint8Array // as: what is none has no length, and throws.
    const end = length + chunk.length
    // Every read brings a byte at least, so more reads than bytes are no honest body.
    if (end > maxBytes || ++reads > maxBytes) throw tooLarge(maxBytes)
    if (end > bytes.length) {
      const smaller = bytes
      bytes = new Uint8Array(2 * end)
      bytes.set(smaller)
    }
    bytes.set(chunk, length)
    length = end
  }
  try {
    await body?.pipeTo(new WritableStream({ write }), { signal } as StreamPipeOptions)
  } catch (cause) {
    throw cause instanceof PosthornError
      ? cause
      : new PosthornError('BODY_UNREADABLE', 'The body ended early.', { cause })
  }
  return bytes.slice(0, length)
}

/** Gives bytes of any kind as they are, also of another realm, as test runners and VM contexts have them; null for what is none. */
const viewOf = (body: unknown): Uint8Array | null =>
  ArrayBuffer.isView(body)
    ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
    : {}.toString.call(body) === '[object ArrayBuffer]'
      ? new Uint8Array(body as ArrayBuffer) // as: its tag says so.
      : null

const tooLarge = (maxBytes: number) =>
  new PosthornError('BODY_TOO_LARGE', `The body is over ${maxBytes} bytes (maxBodyBytes).`)

const notRaw = () =>
  new PosthornError(
    'RAW_BODY_REQUIRED',
    'The body must be raw, neither read nor parsed: express.raw({ type: () => true }).',
  )
