import { fromBase64 } from '#crypto'

/** What an X.509 certificate says about its key. */
export interface Certificate {
  /** The DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** The end of its validity, in milliseconds since the epoch. */
  readonly notAfterMs: number
}

/**
 * Reads the first certificate of a PEM text. It judges no chain: it is for certificates that were fetched over TLS from a place
 * that is pinned. Our own reader, because no runtime but Node has one.
 *
 * @throws TypeError when it is no certificate.
 */
export function readCertificate(pem: string): Certificate {
  const base64 = /-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/.exec(pem)?.[1]
  const der = fromBase64((base64 ?? '').replace(/\s/g, ''), true)
  if (der === null || der.length === 0) throw new TypeError('It is no certificate.')
  // Certificate → TBSCertificate → [version], serial, algorithm, issuer, validity, subject, key (RFC 5280, 4.1).
  const fields = childrenOf(childrenOf(elementAt(der, 0))[0])
  const [, , , validity, , key] = fields[0]?.tag === 0xa0 ? fields.slice(1) : fields
  const notAfter = childrenOf(validity)[1]
  if (key?.tag !== 0x30 || notAfter === undefined) throw new TypeError('It is no certificate.')
  return { spki: key.whole, notAfterMs: timeOf(notAfter) }
}

interface Element {
  readonly tag: number
  readonly content: Uint8Array
  readonly whole: Uint8Array
}

function elementAt(der: Uint8Array, start: number): Element {
  const tag = der[start]
  const first = der[start + 1]
  if (tag === undefined || first === undefined) throw new TypeError('It is no certificate.')
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  if (lengthBytes > 3) throw new TypeError('It is no certificate.')
  let length = lengthBytes === 0 ? first : 0
  for (let index = 0; index < lengthBytes; index++) length = length * 256 + (der[start + 2 + index] ?? 0)
  const from = start + 2 + lengthBytes
  if (from + length > der.length) throw new TypeError('It is no certificate.')
  return { tag, content: der.subarray(from, from + length), whole: der.subarray(start, from + length) }
}

function childrenOf(element: Element | undefined): readonly Element[] {
  const children: Element[] = []
  if (element === undefined) return children
  for (let start = 0; start < element.content.length; start += children.at(-1)?.whole.length ?? Infinity) {
    children.push(elementAt(element.content, start))
  }
  return children
}

// UTCTime has two digits for the year, of which 50 and up are the last century's (RFC 5280, 4.1.2.5.1).
function timeOf({ tag, content }: Element): number {
  const text = new TextDecoder().decode(content)
  const full = tag === 0x18 ? text : (Number(text.slice(0, 2)) < 50 ? '20' : '19') + text
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full)
  if (parts === null) throw new TypeError('It is no certificate.')
  const [year = 0, month = 0, day, hour, minute, second] = parts.slice(1).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, second)
}
