import { fromBase64 } from '#crypto'
import type { Encoding } from './encoding.ts'

/** The standard alphabet with padding; read strictly, so that each signature has one spelling. */
export const base64: Encoding = {
  name: 'base64',
  decode: (text) => fromBase64(text, true),
}

/** Reads what people paste, such as keys: the padding may be missing. Null where it is no base64. */
export function readBase64(text: string): Uint8Array | null {
  return fromBase64(text, false)
}
