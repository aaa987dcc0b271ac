import { PosthornError } from '../domain/error.ts'
import type { VerifiedWebhook } from '../signing/verified-webhook.ts'
import type { Envelope } from './envelope.ts'

/** The fields of a form: a text, or a list where a name comes more than once. It has no prototype, so any name is only what was sent. */
export type FormFields = Readonly<Record<string, string | readonly string[]>>

// As many as Node's querystring reads; each costs little, but a body of a megabyte could hold 500,000.
const maxFields = 1000

/**
 * Makes the `readEnvelope` of a receiver for bodies that are forms (`application/x-www-form-urlencoded`), as Twilio and the slash commands of
 * Slack send them: the data is {@link FormFields}, the type is what the field named says, or null where there is none.
 *
 * @example
 * createReceiver({ verifier, readEnvelope: formEnvelope('command'), on: { '/deploy': ({ data }) => deploy(data) }, idempotency })
 *
 * @throws PosthornError `PAYLOAD_INVALID`, which the sender is answered 400, where the body is not UTF-8 or has over 1,000 fields.
 */
export function formEnvelope(typeField: string): (webhook: VerifiedWebhook) => Envelope {
  if (typeof typeField !== 'string' || typeField === '')
    throw new TypeError('formEnvelope takes the name of the field that has the type, such as command.')
  return ({ rawBody }) => {
    const fields = readFields(rawBody)
    const type = fields[typeField]
    return { type: typeof type === 'string' ? type : null, data: fields }
  }
}

function readFields(body: Uint8Array): FormFields {
  // Without a prototype, so that a field may have any name.
  const fields = Object.create(null) as Record<string, string | readonly string[]>
  let count = 0
  for (const [name, value] of new URLSearchParams(textOf(body))) {
    if (++count > maxFields) throw new PosthornError('PAYLOAD_INVALID', `The form has over ${maxFields} fields.`)
    const before = fields[name]
    fields[name] = before === undefined ? value : [before, value].flat()
  }
  return fields
}

function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new PosthornError('PAYLOAD_INVALID', 'The body is no form in UTF-8: read rawBody instead.')
  }
}
