import { PosthornError } from '../domain/error.ts'

/** Gives a copy of a body's exact bytes, which nobody else can change between verifying and parsing. */
export function bodyToBytes(body: unknown, maxBytes: number): Uint8Array {
  const bytes = viewOf(body, maxBytes)
  if (bytes.length > maxBytes) throw tooLarge(maxBytes)
  return typeof body === 'string' ? bytes : bytes.slice()
}

/** Reads a fetch request's body, and stops as soon as it is over the limit. */
export async function readRequestBody(request: Request, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
  let reader: ReadableStreamDefaultReader<unknown> | undefined
  // That the source also fails to stop adds nothing to the reason for giving up.
  const giveUp = () => void (async () => reader?.cancel())().catch(() => {})
  try {
    if (request.bodyUsed || request.body?.locked) throw rawBodyRequired("the request's, already read")
    if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge(maxBytes)
    if (request.body === null) return new Uint8Array(0)
    reader = request.body.getReader()
    signal?.addEventListener('abort', giveUp, { once: true })
    const bytes = await readAll(reader, maxBytes)
    signal?.throwIfAborted()
    return bytes
  } catch (error) {
    giveUp()
    signal?.throwIfAborted()
    throw error instanceof PosthornError ? error : unreadable('it ended early', error)
  } finally {
    signal?.removeEventListener('abort', giveUp)
  }
}

function viewOf(body: unknown, maxBytes: number): Uint8Array {
  if (typeof body === 'string') {
    // A text has at least as many bytes as units; a huge one is not even encoded.
    if (body.length > maxBytes) throw tooLarge(maxBytes)
    return new TextEncoder().encode(body)
  }
  if (body instanceof ArrayBuffer) return new Uint8Array(body)
  // isView, not instanceof: test runners and VM contexts bring a Uint8Array of their own.
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  throw rawBodyRequired(
    body === undefined || body === null
      ? `${body}; for a request without a body pass ''`
      : `${typeof body === 'object' ? 'an object, parsed or not yet read' : `a ${typeof body}`}`,
  )
}

async function readAll(reader: ReadableStreamDefaultReader<unknown>, maxBytes: number): Promise<Uint8Array> {
  let bytes = new Uint8Array(Math.min(maxBytes, 16_384))
  let length = 0
  // Every read but the last brings a byte at least, so more reads than bytes are no honest body.
  for (let reads = 0; reads <= maxBytes; reads++) {
    const { done, value: chunk } = await reader.read()
    if (done) return bytes.slice(0, length)
    if (!(chunk instanceof Uint8Array)) break
    if (length + chunk.length > maxBytes) throw tooLarge(maxBytes)
    // One buffer that doubles: a body dripping in byte by byte must not cost an object for each.
    if (length + chunk.length > bytes.length) bytes = grown(bytes, Math.min(maxBytes, 2 * (length + chunk.length)))
    bytes.set(chunk, length)
    length += chunk.length
  }
  throw unreadable('its stream gives something other than bytes')
}

function grown(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(length)
  larger.set(bytes)
  return larger
}

function tooLarge(maxBytes: number): PosthornError {
  return new PosthornError(
    'BODY_TOO_LARGE',
    `The body is over ${maxBytes} bytes: raise maxBodyBytes if that is expected.`,
  )
}

function unreadable(problem: string, cause?: unknown): PosthornError {
  return new PosthornError('BODY_UNREADABLE', `The body cannot be read: ${problem}.`, { cause })
}

function rawBodyRequired(found: string): PosthornError {
  return new PosthornError(
    'RAW_BODY_REQUIRED',
    `The body is ${found}. Signatures cover raw bytes: verify before any JSON parser, as with express.raw({ type: () => true }).`,
  )
}
