const bodies = new WeakMap<Response, Promise<ArrayBuffer>>()

/**
 * Copies a response that its maker may keep and give again. Its body is read once, whole: `clone()` would do too, but each clone
 * of one response hangs on the one before, and their memory is never given back.
 */
export async function copyOf(response: Response): Promise<Response> {
  const { status, statusText, headers } = response
  return new Response(await bodyOf(response), { status, statusText, headers })
}

async function bodyOf(response: Response): Promise<ArrayBuffer | null> {
  if (response.body === null) return null
  const known = bodies.get(response)
  if (known !== undefined) return await known
  const body = response.arrayBuffer()
  bodies.set(response, body)
  return await body
}
