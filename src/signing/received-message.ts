import { type HeaderTexts, requireHeader, requireOnce } from './header-reader.ts'
import type { Scheme, SignedMessage } from './scheme.ts'
import type { ReceivedRequest } from './verify-input.ts'

/** Lists the headers that a scheme reads, in lower case. */
export function headerNames({
  signature,
  eventId,
  eventType,
  timestamp,
  otherHeaders = [],
}: Scheme): readonly string[] {
  const places = [eventId, eventType, timestamp?.place].flatMap((place) =>
    place && 'header' in place ? [place.header] : [],
  )
  return [signature.header, ...places, ...otherHeaders].map((name) => name.toLowerCase())
}

/** Gives the time as it was sent; null where none is signed, or only within the body. */
export function timeIn(texts: HeaderTexts, { timestamp }: Scheme): string | null {
  if (timestamp === null || !('header' in timestamp.place)) return null
  const { header } = timestamp.place
  return requireOnce(requireHeader(texts, header), header)
}

/** Gathers what a scheme may lay out; other headers are only read when they are asked for. */
export function messageOf(
  { method, url, readTexts }: ReceivedRequest,
  texts: HeaderTexts,
  known: Pick<SignedMessage, 'id' | 'timestamp' | 'body'>,
): SignedMessage {
  const header = (name: string) => {
    const lowerName = name.toLowerCase()
    return texts.get(lowerName) ?? readTexts([lowerName]).get(lowerName) ?? ''
  }
  return { ...known, method, url, header }
}
