import type { Encoding } from './encoding.ts'

/** Hexadecimal: written in lower case, read in either. */
export const hex: Encoding = {
  name: 'hex',
  encode: (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''),
  decode(text) {
    if (text.length % 2 !== 0 || !/^[\da-f]*$/i.test(text)) return null
    const bytes = new Uint8Array(text.length / 2)
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index)
      // The low four bits of a digit are its value; those of a letter of either case, its value less nine.
      bytes[index >> 1] = ((bytes[index >> 1] ?? 0) << 4) | ((code & 15) + (code > 57 ? 9 : 0))
    }
    return bytes
  },
}
