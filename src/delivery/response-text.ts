/** Reads a response body up to a number of bytes and gives the rest up. A body that breaks off is kept as far as it came. */
export async function readCapped(body: AsyncIterable<Uint8Array> | null, maxBytes: number): Promise<string> {
  if (body === null) return ''
  const chunks: Uint8Array[] = []
  const reader = body[Symbol.asyncIterator]()
  try {
    for (let room = maxBytes; room > 0;) {
      const { done, value } = await reader.next()
      if (done === true) return toText(chunks)
      chunks.push(value.subarray(0, room))
      room -= value.byteLength
    }
    // Destroys the stream and with it the connection. Not waited for: a stream may never confirm it.
    reader.return?.().catch(() => {})
  } catch {
    // The status has been answered, and it decides; how the body ended does not change it.
  }
  return toText(chunks)
}

function toText(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder() // replaces what is not UTF-8
  const text = chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('')
  // NUL is no text to many databases.
  return text.replaceAll('\0', '\uFFFD')
}
