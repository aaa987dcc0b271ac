import { describe, expect, it } from 'vitest'
import { hex } from '../../../src/signing/hex.ts'
import { schemeOf, type SignedRequest, signedRequests, verifierOf } from './requests.ts'

// 500 for each scheme in every test run; `npm run flips` makes 10,000.
const flips = Number(process.env['POSTHORN_FLIPS'] ?? 500)

// What a scheme reads but no signature covers, and signatures by keys that the verifier does not have.
const uncovered = ['X-DocuSign-Signature-1', 'box-signature-primary', 'I-Twilio-Idempotency-Token', 'Request-ID']

/** The texts of a request that its signature covers, or that are its signature, and how to put changed ones back. */
function coveredTexts(request: SignedRequest): {
  texts: string[]
  rebuild: (texts: readonly string[]) => SignedRequest['input']
} {
  const { input } = request
  const scheme = schemeOf(request)
  if (scheme.isInBody) return coveredFields(input)
  const places = [scheme.covers.includes('id') ? null : scheme.eventId, scheme.eventType]
  const unsigned = places.flatMap((place) =>
    place && 'header' in place && !scheme.covers.includes('headers') ? [place.header] : [],
  )
  const names = Object.keys(input.headers).filter((name) => ![...uncovered, ...unsigned].includes(name))
  // Stripe's v0 is of another key.
  const values = names.map((name) => (input.headers[name] ?? '').replace(/,v0=.*/, ''))
  const body = scheme.covers.includes('body') ? [input.body] : []
  return {
    texts: [...values, ...body],
    rebuild: (texts) => ({
      ...input,
      headers: { ...input.headers, ...Object.fromEntries(names.map((name, index) => [name, texts[index] ?? ''])) },
      body: texts[names.length] ?? input.body,
    }),
  }
}

const signedFields = [
  'timestamp',
  'token',
  'signature',
  'pspReference',
  'merchantAccountCode',
  'merchantReference',
  'eventCode',
  'currency',
  'success',
  'hmacSignature',
  'Message',
  'MessageId',
  'Subject',
  'Timestamp',
  'TopicArn',
  'Type',
  'SignatureVersion',
  'Signature',
  'SigningCertURL',
]

function coveredFields(input: SignedRequest['input']): ReturnType<typeof coveredTexts> {
  const texts: string[] = []
  const visit = (replace: (text: string) => string) =>
    JSON.stringify(JSON.parse(input.body), (name, value: unknown) =>
      typeof value === 'string' && signedFields.includes(name) ? replace(value) : value,
    )
  visit((text) => {
    texts.push(text)
    return text
  })
  return {
    texts,
    rebuild(changed) {
      let index = 0
      return { ...input, body: visit(() => changed[index++] ?? '') }
    },
  }
}

describe.each(signedRequests)('$name', (request) => {
  it('accepts no message with one bit changed', async () => {
    const { texts, rebuild } = coveredTexts(request)
    const bits = texts.reduce((sum, text) => sum + text.length * 8, 0)
    const verifier = verifierOf(request)
    const isHex = schemeOf(request).signature.encoding === hex
    await verifier.verify(rebuild(texts))
    let accepted = 0
    let made = 0
    const { stackTraceLimit } = Error
    // Half a million errors, of which nobody reads the stack.
    Error.stackTraceLimit = 0
    // A step without a common divisor walks over all bits before it comes to one again.
    for (let bit = 0; made < flips; bit = (bit + 7919) % bits) {
      const changed = flipped(texts, bit)
      made++
      // The same signature, or name of a header, in capitals.
      if (isHex && changed.join('').toLowerCase() === texts.join('').toLowerCase()) continue
      await verifier.verify(rebuild(changed)).then(
        () => accepted++,
        () => {},
      )
    }
    Error.stackTraceLimit = stackTraceLimit
    expect(accepted).toBe(0)
  })
})

function flipped(texts: readonly string[], bit: number): readonly string[] {
  let start = 0
  return texts.map((text) => {
    const at = bit - start
    start += text.length * 8
    if (at < 0 || at >= text.length * 8) return text
    const index = at >> 3
    return text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) ^ (1 << (at & 7))) + text.slice(index + 1)
  })
}
