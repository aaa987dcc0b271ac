import { type HeaderTexts, readText } from './header-reader.ts'
import { hex } from './hex.ts'
import { maxSignatures } from './signature-header.ts'
import type { Scheme, TimestampLayout } from './scheme.ts'

/**
 * Divides a header such as `t=1,v1=ab,v1=cd` into texts named `header.t`, `header.v1`, of the parameters named. Repeated signatures become a
 * list; anything else that is repeated is refused where it is read, as a header sent twice is.
 */
export function divideParameters(
  headers: HeaderTexts,
  header: string,
  separator: string,
  names: readonly [repeatable: string, ...others: string[]],
): HeaderTexts {
  const texts = new Map<string, string>()
  for (const entry of readText(headers, header, false, maxSignatures).split(separator)) {
    // A plain space alone: trim() would also take what nobody sends, such as U+00A0.
    const [name = '', ...value] = entry.replace(/^ /, '').split('=')
    if (!names.includes(name)) continue
    const key = `${header}.${name}`.toLowerCase()
    const before = texts.get(key)
    texts.set(key, (before === undefined ? '' : before + (name === names[0] ? ' ' : ', ')) + value.join('='))
  }
  // The other headers stay, such as that of the id; one that is named like a parameter is none.
  const prefix = `${header}.`.toLowerCase()
  return { get: (name) => (name.startsWith(prefix) ? texts : headers).get(name) }
}

/** A scheme whose header holds parameters: the time under one name, each signature under another. */
export function parameterScheme(
  scheme: Omit<Scheme, 'signature' | 'timestamp'> & { readonly timestamp: Omit<TimestampLayout, 'place'> },
  [header, separator, time, signature]: readonly [header: string, separator: string, time: string, signature: string],
): Scheme {
  return {
    ...scheme,
    signature: { header: `${header}.${signature}`, encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'list' },
    timestamp: { ...scheme.timestamp, place: { header: `${header}.${time}` } },
    divide: (headers) => divideParameters(headers, header, separator, [signature, time]),
    writeHeaders: ({ signatures, timestamp }) => ({
      [header]: [`${time}=${timestamp}`, ...signatures.map((text) => `${signature}=${text}`)].join(separator),
    }),
  }
}
