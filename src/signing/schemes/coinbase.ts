import { dividedHeaders } from '../divided-headers.ts'
import { hex } from '../hex.ts'
import { divideParameters } from '../parameters.ts'
import type { Scheme } from '../scheme.ts'
import { textSecret } from '../text-secret.ts'
import { seconds } from '../timestamp.ts'

/**
 * Coinbase Developer Platform: `X-Hook0-Signature` is `t=…,h=…,v1=…`, the hex HMAC-SHA256 of `t`, the names in `h`, the values of those
 * headers joined by full stops, and the body, all joined by full stops, keyed by the subscription's secret as text; the time is in
 * seconds, within 300 s. The older `v0`, which covers no headers, is not read. The event id is `X-Event-Id`, where `h` lists it;
 * one that is not signed is not used. For Coinbase Commerce see {@link coinbaseCommerce}.
 */
export const coinbase: Scheme = {
  name: 'coinbase',
  covers: ['timestamp', 'headers', 'body'],
  readSecret: textSecret,
  signature: { header: 'X-Hook0-Signature.v1', encoding: hex, prefixes: { 'hmac-sha256': '' }, syntax: 'list' },
  eventId: { header: 'X-Hook0-Signature.event-id' },
  eventType: null,
  timestamp: { place: { header: 'X-Hook0-Signature.t' }, unit: seconds },
  signedContent({ timestamp, header, body }) {
    const list = header('X-Hook0-Signature.h')
    const names = list === '' ? [] : list.split(' ', maxSignedHeaders + 1)
    if (names.length > maxSignedHeaders || names.some((name) => !/^[\w-]+$/.test(name))) return null
    return [`${timestamp}.${list}.${names.map((name) => header(name)).join('.')}.`, body]
  },
  divide(headers) {
    const texts = divideParameters(headers, 'X-Hook0-Signature', ',', ['v1', 't', 'h'])
    const isSigned = texts.get('x-hook0-signature.h')?.toLowerCase().split(' ').includes('x-event-id')
    return dividedHeaders(texts, new Map([['x-hook0-signature.event-id', (isSigned && texts.get('x-event-id')) || '']]))
  },
  writeHeaders: ({ signatures, timestamp, message }) => {
    const list = message.header('X-Hook0-Signature.h')
    return { 'X-Hook0-Signature': [`t=${timestamp}`, `h=${list}`, ...signatures.map((text) => `v1=${text}`)].join(',') }
  },
}

// More than any sender lists; each costs a look through the headers.
const maxSignedHeaders = 32
