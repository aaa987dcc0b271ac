// Text with a NUL is stored as bytes: libsql gives the text back only up to the NUL.
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Makes a text, of any characters, something to store. */
export function toStoredText(text: string): string | Uint8Array {
  return text.includes('\0') ? encoder.encode(text) : text
}

/** Makes it a text again. */
export function fromStoredText(stored: string | Uint8Array): string {
  return typeof stored === 'string' ? stored : decoder.decode(stored)
}
