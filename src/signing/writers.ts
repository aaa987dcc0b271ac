import { toBase64, toHex } from '#crypto'
import type { Encoding } from './encoding.ts'
import type { TimeUnit } from './timestamp.ts'

const encoders: Readonly<Record<string, Encoding['encode']>> = { base64: toBase64, hex: toHex }

/** Gives what writes an encoding; a TypeError where nothing does. */
export function encoderOf({ name, encode = encoders[name] }: Encoding): (bytes: Uint8Array) => string {
  if (encode) return encode
  throw new TypeError(`Signer: the encoding ${name} has no encode: add it to the scheme, or only verify by it.`)
}

const writers: Readonly<Record<string, TimeUnit['write']>> = {
  seconds: (atMs) => String(Math.floor(atMs / 1000)),
  milliseconds: String,
  'ISO 8601': (atMs) => new Date(atMs).toISOString(),
}

/** Gives what writes a time; a TypeError where nothing does. */
export function timeWriterOf({ name, write = writers[name] }: TimeUnit): (atMs: number) => string {
  if (write) return write
  throw new TypeError(`Signer: the unit of time ${name} has no write: add it to the scheme, or only verify by it.`)
}
