import type { HeaderTexts } from './header-reader.ts'
import { hex } from './hex.ts'
import type { Scheme, TimestampLayout } from './scheme.ts'

/**
 * Divides a header such as `t=1,v1=ab,v1=cd` into texts named `header.t`, `header.v1`. Repeated signatures become a list;
 * anything else that is repeated is refused where it is read, as a header sent twice is.
 */
export function divideParameters(
  headers: HeaderTexts,
  header: string,
  separator: string,
  repeatable: string,
): HeaderTexts {
  // The other headers stay, such as that of the id; one that is named like a parameter is none.
  const texts = new Map([...headers].filter(([name]) => !name.startsWith(`${header}.`)))
  for (const entry of headers.get(header)?.split(separator) ?? []) {
    // A plain space alone: trim() would also take what nobody sends, such as U+00A0.
    const [name = '', ...value] = entry.replace(/^ /, '').split('=')
    const key = `${header}.${name}`
    const before = texts.get(key)
    texts.set(key, (before === undefined ? '' : before + (name === repeatable ? ' ' : ', ')) + value.join('='))
  }
  return texts
}

/** A scheme whose header holds parameters: the time under one name, each signature under another. */
export function parameterScheme(
  scheme: Omit<Scheme, 'signature' | 'timestamp'> & { readonly timestamp: Omit<TimestampLayout, 'place'> },
  [header, separator, time, signature]: readonly [header: string, separator: string, time: string, signature: string],
): Scheme {
  const lowerName = header.toLowerCase()
  return {
    ...scheme,
    signature: { header: `${header}.${signature}`, encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'list' },
    timestamp: { ...scheme.timestamp, place: { header: `${header}.${time}` } },
    otherHeaders: [lowerName],
    divideHeaders: (headers) => divideParameters(headers, lowerName, separator, signature),
    writeHeaders: ({ signatures, timestamp }) => ({
      [header]: [`${time}=${timestamp}`, ...signatures.map((text) => `${signature}=${text}`)].join(separator),
    }),
  }
}
