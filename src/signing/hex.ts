import { fromHex, toHex } from '#crypto'
import type { Encoding } from './encoding.ts'

/** Hexadecimal: written in lower case, read in either. */
export const hex: Encoding = { name: 'hex', encode: toHex, decode: fromHex }
