import { PosthornError } from '../domain/error.ts'
import { problemResponse } from './problem.ts'

/** The largest body accepted, in bytes: 64 KiB. */
export const maxBodyBytes = 65_536

/** The deepest nesting accepted; a webhook needs 2. */
export const maxJsonDepth = 16

/**
 * Reads the body of a request as JSON, or makes the answer that refuses it. Bytes are counted as they come: `content-length` is
 * not asked. `value` is undefined where an optional body is empty.
 */
export async function readJson(
  request: Request,
  need: 'optional' | 'required',
): Promise<{ readonly value: unknown } | Response> {
  const contentType = request.headers.get('content-type')
  if (contentType !== null && !isJson(contentType)) return unsupported()
  if (!isIdentity(request.headers.get('content-encoding'))) return unsupported()
  const bytes = await readBytes(request)
  if (bytes instanceof Response) return bytes
  if (bytes.length === 0) return need === 'optional' ? { value: undefined } : malformed('is missing')
  if (contentType === null) return unsupported()
  return parse(bytes)
}

function isJson(contentType: string): boolean {
  const [mediaType = ''] = contentType.split(';', 1)
  const essence = mediaType.trim().toLowerCase()
  return essence === 'application/json' || (essence.includes('/') && essence.endsWith('+json'))
}

function isIdentity(encoding: string | null): boolean {
  return encoding === null || encoding.trim().toLowerCase() === 'identity'
}

async function readBytes(request: Request): Promise<Uint8Array | Response> {
  if (request.bodyUsed || request.body?.locked) {
    throw new PosthornError(
      'RAW_BODY_REQUIRED',
      'The body was read before the webhook API got the request: pass it unread.',
    )
  }
  if (request.body === null) return new Uint8Array()
  const reader = request.body.getReader()
  const bytes = new Uint8Array(maxBodyBytes)
  let length = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return bytes.subarray(0, length)
      if (length + value.byteLength > maxBodyBytes) break
      bytes.set(value, length)
      length += value.byteLength
    }
    // Not awaited: where `authorize` has cloned the request, it ends only when the clone is cancelled too, which nobody does.
    void reader.cancel().catch(() => {})
  } catch (error) {
    // Ours: a body that was parsed by somebody else. Anything else is a client that went away or broke off.
    if (error instanceof PosthornError) throw error
    return malformed('could not be read to its end')
  }
  return problemResponse('BODY_TOO_LARGE', `The body is larger than ${maxBodyBytes} bytes: send less.`)
}

function parse(bytes: Uint8Array): { readonly value: unknown } | Response {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // The parser's own message quotes the body.
    return malformed('is not JSON in UTF-8')
  }
  if (isDeeperThan(value, maxJsonDepth)) return malformed(`is nested deeper than ${maxJsonDepth} levels`)
  assertNoPrototype(value, '')
  return { value }
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1))
}

// JSON.parse makes `__proto__` an own property, which any later assignment would turn into a prototype.
function assertNoPrototype(value: unknown, path: string): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    const memberPath = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
    if (key === '__proto__') {
      const issues = [{ path: memberPath, message: 'is not allowed as a key: remove it' }]
      throw new PosthornError('VALIDATION_FAILED', `${memberPath} is not allowed as a key.`, { issues })
    }
    assertNoPrototype(member, memberPath)
  }
}

function malformed(what: string): Response {
  return problemResponse('BODY_MALFORMED', `The body ${what}: send one JSON object, complete and in UTF-8.`)
}

function unsupported(): Response {
  return problemResponse(
    'MEDIA_TYPE_UNSUPPORTED',
    'Send JSON, uncompressed, with content-type: application/json.',
    [],
    {
      accept: 'application/json',
    },
  )
}
