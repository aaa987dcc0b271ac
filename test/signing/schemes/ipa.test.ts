import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pythonJson } from '../../../src/signing/python-json.ts'
import { ipaScheme } from '../../../src/signing/schemes/ipa.ts'
import { Signer } from '../../../src/signing/signer.ts'
import { Verifier } from '../../../src/signing/verifier.ts'
import { codeOf, otherSecret, secret, utf8 } from '../messages.ts'
import { runPython, skipsPython } from '../python.ts'

// What a receiver in Python does, both ways: over the raw body, and over the parsed body dumped again.
const pythonReceiver = `
import hashlib, hmac, json, sys
secret = sys.argv[1]
for line in sys.stdin:
    body = json.loads(line)
    digest = lambda text: hmac.new(secret.encode("utf-8"), text.encode("utf-8"), hashlib.sha256).hexdigest()
    print(digest(body), digest(json.dumps(json.loads(body), sort_keys=True)))
`

const type = 'order.paid'
const signer = new Signer({ secret, scheme: ipaScheme })
const verifier = new Verifier({ secret, scheme: ipaScheme })
const sign = (body: string | Uint8Array) => signer.sign({ id: 'msg_1', type, body })

describe('ipaScheme', () => {
  it('signs the body alone, keyed by the whole text of the secret', async () => {
    const hex = createHmac('sha256', secret).update('{"a": 1}').digest('hex')
    expect(await sign('{"a": 1}')).toEqual({ 'X-IPA-Event': type, 'X-IPA-Signature': hex })
  })

  it('keys with a secret of any text as UTF-8', async () => {
    const hex = createHmac('sha256', utf8('clé très secrète')).update('x').digest('hex')
    const headers = await new Signer({ secret: 'clé très secrète', scheme: ipaScheme }).sign({
      id: '1',
      type,
      body: 'x',
    })
    expect(headers['X-IPA-Signature']).toBe(hex)
  })

  it('writes the body as json.dumps with sorted keys', () => {
    expect(ipaScheme.serialize).toBe(pythonJson)
  })

  it('tells type and key, and knows neither id nor time', async () => {
    const rotating = new Verifier({ secret: [otherSecret, secret], scheme: ipaScheme })
    const event = await rotating.verify({ headers: await sign('{"a": 1}'), body: '{"a": 1}' })
    expect(event).toMatchObject({ eventId: null, type, timestamp: null, keyIndex: 1, scheme: 'ipa', payload: { a: 1 } })
  })

  it('signs with the newest secret alone, because its header holds one signature', async () => {
    const both = new Signer({ secret: [secret, otherSecret], scheme: ipaScheme })
    expect(await both.sign({ id: 'msg_1', type, body: 'x' })).toEqual(await sign('x'))
  })

  it.each([undefined, '', 'order paid', 'a\r\nb: c', 'a..b'])('refuses to sign the type %j', async (wrongType) => {
    const message = { id: 'msg_1', body: '{}', ...(wrongType === undefined ? {} : { type: wrongType }) }
    expect(await codeOf(signer.sign(message))).toBe('VALIDATION_FAILED')
  })

  it('reads upper-case hex, which is the same bytes', async () => {
    const headers = await sign('x')
    const upper = { 'x-ipa-signature': headers['X-IPA-Signature']?.toUpperCase() }
    expect(await verifier.verify({ headers: upper, body: 'x' })).toMatchObject({ type: null, keyIndex: 0 })
  })

  it.each(['zz'.repeat(32), 'a'.repeat(63), 'a'.repeat(65), 'a'.repeat(62), 'a', `é${'a'.repeat(63)}`, 'sha256=', ' '])(
    'refuses the signature %j',
    async (signature) => {
      expect(await codeOf(verifier.verify({ headers: { 'X-IPA-Signature': signature }, body: 'x' }))).toBe(
        'SIGNATURE_MISMATCH',
      )
    },
  )

  it('refuses a signature or a type that was sent twice', async () => {
    const headers = await sign('x')
    for (const name of ['X-IPA-Signature', 'X-IPA-Event']) {
      const twice = new Headers(headers)
      twice.append(name, headers[name] ?? '')
      expect(await codeOf(verifier.verify({ headers: twice, body: 'x' }))).toBe('HEADER_DUPLICATE')
    }
  })

  it('refuses a type that no sender writes, and a missing signature', async () => {
    const headers = await sign('x')
    const wrongType = { ...headers, 'X-IPA-Event': 'a b\u00e9' }
    expect(await codeOf(verifier.verify({ headers: wrongType, body: 'x' }))).toBe('HEADER_INVALID')
    expect(await codeOf(verifier.verify({ headers: { 'X-IPA-Event': type }, body: 'x' }))).toBe('HEADER_MISSING')
  })

  it('accepts no body or signature with one bit changed', async () => {
    const bytes = Buffer.from(pythonJson({ text: 'x'.repeat(230) }))
    const headers = await sign(bytes)
    const mac = Buffer.from(headers['X-IPA-Signature'] ?? '', 'hex')
    let refused = 0
    for (const [part, whole] of [bytes, mac].entries()) {
      for (let bit = 0; bit < whole.length * 8; bit++) {
        const changed = Buffer.from(whole)
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        const [body, signature] = part === 0 ? [changed, mac] : [bytes, changed]
        expect(await codeOf(verifier.verify({ headers: { 'X-IPA-Signature': signature.toString('hex') }, body }))).toBe(
          'SIGNATURE_MISMATCH',
        )
        refused++
      }
    }
    expect(refused).toBeGreaterThan(2000)
  })

  it('verifies what it signs, any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), async (bytes) => {
        expect((await verifier.verify({ headers: await sign(bytes), body: bytes })).rawBody).toEqual(
          new Uint8Array(bytes),
        )
      }),
    )
  })

  it.skipIf(skipsPython)('is verified by a receiver in Python, over the raw body and over the dumped one', async () => {
    const keyText = `${secret}-é`
    const python = new Signer({ secret: keyText, scheme: ipaScheme })
    const bodies = fc.sample(fc.object({ withNullPrototype: false }), 300).map((payload) => pythonJson(payload))
    const digests = await Promise.all(
      bodies.map(async (body) => (await python.sign({ id: 'msg_1', type, body }))['X-IPA-Signature']),
    )
    const lines = runPython(
      pythonReceiver,
      bodies.map((body) => JSON.stringify(body)),
      [keyText],
    )
    expect(lines).toEqual(digests.map((digest) => `${digest} ${digest}`))
  })
})
