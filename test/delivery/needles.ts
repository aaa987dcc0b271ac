/** Every form in which a text would be found somewhere: as it is, as bytes behind `whsec_`, encoded, escaped. */
export function needlesOf(text: string): Buffer[] {
  const plain = Buffer.from(text)
  const key = text.startsWith('whsec_') ? [Buffer.from(text.slice('whsec_'.length), 'base64')] : []
  const forms = [plain, ...key].flatMap((bytes) => [
    bytes,
    ...['base64', 'base64url', 'hex'].map((encoding) => Buffer.from(bytes.toString(encoding as BufferEncoding))),
    Buffer.from(bytes.toString('hex').toUpperCase()),
  ])
  const escaped = [JSON.stringify(text).slice(1, -1), JSON.stringify(JSON.stringify(text)).slice(3, -3)]
  return [
    ...forms,
    ...escaped.map((form) => Buffer.from(form)),
    Buffer.from(encodeURIComponent(text)),
    // Padding belongs to the end of a text; within a longer one there is none.
    ...[plain, ...key].map((bytes) => Buffer.from(bytes.toString('base64').replace(/=+$/, ''))),
  ]
}

/** Names the places in which one of the texts is found in any of its forms. */
export function leaks(texts: readonly string[], places: ReadonlyMap<string, Buffer>): string[] {
  const needles = texts.flatMap((text) => needlesOf(text))
  return [...places].flatMap(([place, bytes]) => {
    const found = needles.find((needle) => bytes.includes(needle))
    return found === undefined ? [] : [`${place} holds ${found.toString('latin1').slice(0, 12)}…`]
  })
}
