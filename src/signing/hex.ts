import { fromHex } from '#crypto'
import type { Encoding } from './encoding.ts'

/** Hexadecimal: written in lower case, read in either. */
export const hex: Encoding = { name: 'hex', decode: fromHex }
