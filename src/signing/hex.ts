/** Encodes in lower case. */
export function encodeHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** Decodes either case, or answers null where a character is no hex digit or one is left over. */
export function decodeHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0) return null
  const bytes = new Uint8Array(text.length / 2)
  for (let index = 0; index < bytes.length; index++) {
    const high = valueOf(text.charCodeAt(2 * index))
    const low = valueOf(text.charCodeAt(2 * index + 1))
    if (high < 0 || low < 0) return null
    bytes[index] = (high << 4) | low
  }
  return bytes
}

function valueOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  if (code >= 97 && code <= 102) return code - 87
  return code >= 65 && code <= 70 ? code - 55 : -1
}
