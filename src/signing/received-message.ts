import { type HeaderTexts, requireHeader, requireOnce } from './header-reader.ts'
import type { Place, Scheme, SignedMessage } from './scheme.ts'
import type { ReceivedRequest } from './verify-input.ts'

/** Lists the headers that a scheme reads, in lower case. */
export function headerNames({
  signature,
  eventId,
  eventType,
  timestamp,
  otherHeaders = [],
}: Scheme): readonly string[] {
  return [signature.header, headerOf(eventId), headerOf(eventType), headerOf(timestamp?.place), ...otherHeaders]
    .map((name) => name.toLowerCase())
    .filter((name) => name !== '')
}

/** Gives the name of the header that a place is; empty where it is none. */
export function headerOf(place: Place | null | undefined): string {
  return place && 'header' in place ? place.header : ''
}

/** Gives the time as it was sent; empty where none is signed, or only within the body. */
export function timeIn(texts: HeaderTexts, { timestamp }: Scheme): string {
  const name = headerOf(timestamp?.place)
  return name && requireOnce(requireHeader(texts, name), name)
}

/** Gathers what a scheme may lay out; other headers are only read when they are asked for. */
export function messageOf(
  { method, url, readTexts }: ReceivedRequest,
  texts: HeaderTexts,
  id: unknown,
  timestamp: string,
  body: Uint8Array,
  { divideBody }: Scheme,
): SignedMessage {
  const header = (text: string) => {
    const name = text.toLowerCase()
    // What a scheme looks for in the body must not come from a header, by whoever took it out of the body.
    return texts.get(name) ?? (divideBody ? '' : (readTexts([name]).get(name) ?? ''))
  }
  return { id: typeof id === 'string' ? id : '', timestamp, body, method, url, header }
}
