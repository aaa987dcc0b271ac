import { PosthornError } from '../domain/error.ts'
import { toBase64 } from '#crypto'
import { base64 } from '../signing/base64.ts'
import { Received, type VerifiedWebhook } from '../signing/verified-webhook.ts'

/** Writes what was proven as text, so that the event can be worked on after its request is gone. */
export function writeRecord(webhook: VerifiedWebhook): string {
  const { eventId, type, timestamp, keyId, keyIndex, covers, freshness, scheme, rawBody } = webhook
  const time = timestamp?.toISOString() ?? null
  const facts = { eventId, type, keyId, keyIndex, covers, freshness, scheme }
  return JSON.stringify({ version: 1, ...facts, timestamp: time, body: toBase64(rawBody) })
}

/** Reads what {@link writeRecord} wrote. */
export function readRecord(text: string): VerifiedWebhook {
  // as: the store gives back what was written, which the version tells.
  const { version, body, timestamp, ...facts } = JSON.parse(text) as StoredRecord
  const rawBody = typeof body === 'string' ? base64.decode(body) : null
  if (version !== 1 || rawBody === null) {
    throw new PosthornError('STORAGE_FAILED', 'A stored event was not written by this release: upgrade posthorn.')
  }
  const proven = { ...facts, timestamp: timestamp === null ? null : new Date(timestamp) }
  return Object.freeze(Object.assign(new Received(rawBody), proven))
}

interface StoredRecord extends Omit<VerifiedWebhook, 'payload' | 'rawBody' | 'timestamp'> {
  readonly version: number
  readonly timestamp: string | null
  readonly body: string
}
