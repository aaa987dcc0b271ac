/** The CRC-32 of a body (IEEE 802.3, as in zip), as an unsigned number. It detects accidents, not attacks. */
export function crc32(body: string | Uint8Array): number {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const table = Int32Array.from({ length: 256 }, (_, value) => {
    let remainder = value
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0)
    return remainder
  })
  let checksum = -1
  for (const byte of bytes) checksum = (checksum >>> 8) ^ (table[(checksum ^ byte) & 0xff] ?? 0)
  return ~checksum >>> 0
}
