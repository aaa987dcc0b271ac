import { twilio } from 'posthorn/schemes'
import twilioClient from 'twilio'
import { describe, expect, it } from 'vitest'
import { Signer } from '../../../src/signing/signer.ts'
import { Verifier } from '../../../src/signing/verifier.ts'
import { codeOf } from '../messages.ts'

const secret = 'a-shared-secret'
const publicUrl = 'https://example.com/twilio'
const scheme = twilio({ publicUrl })
const verify = (signature: string, body: string, url = '/twilio') =>
  new Verifier({ secret, scheme }).verify({ headers: { 'x-twilio-signature': signature }, body, url })
// Of the right length: another is refused before the body is looked at.
const wrong = Buffer.alloc(20).toString('base64')
const formOf = (count: number) => Array.from({ length: count }, (_, nth) => `n${nth}=v`).join('&')

describe('twilio', () => {
  it('refuses a form of 20,000 names without comparing each with each, which took a minute of one request', async () => {
    const body = formOf(20_000)
    const elapsed = async (call: () => unknown) => {
      const start = performance.now()
      await call()
      return performance.now() - start
    }
    const refusalMs: number[] = []
    const parseMs: number[] = []
    for (let run = 0; run < 5; run++) {
      refusalMs.push(await elapsed(async () => expect(await codeOf(verify(wrong, body))).toBe('SIGNATURE_MISMATCH')))
      parseMs.push(await elapsed(() => [...new URLSearchParams(body)]))
    }
    // The quickest of each, because other processes run beside them.
    expect(Math.min(...refusalMs)).toBeLessThan(Math.min(...parseMs) * 5)
  })

  it('reads a form once, however many names it has', async () => {
    const { getAll } = URLSearchParams.prototype
    let readings = 0
    URLSearchParams.prototype.getAll = function (this: URLSearchParams, name: string) {
      readings++
      return getAll.call(this, name)
    }
    try {
      expect(await codeOf(verify(wrong, formOf(1_000)))).toBe('SIGNATURE_MISMATCH')
    } finally {
      URLSearchParams.prototype.getAll = getAll
    }
    expect(readings).toBe(0)
  })

  it('takes up to 1,000 fields, and neither verifies nor signs more', async () => {
    const signatureOf = (body: string) =>
      twilioClient.getExpectedTwilioSignature(secret, publicUrl, Object.fromEntries(new URLSearchParams(body)))
    expect((await verify(signatureOf(formOf(1_000)), formOf(1_000))).scheme).toBe('twilio')
    expect(await codeOf(verify(signatureOf(formOf(1_001)), formOf(1_001)))).toBe('SIGNATURE_MISMATCH')
    const signer = new Signer({ secret, scheme })
    expect(await codeOf(signer.sign({ id: 'x', body: formOf(1_001), url: '/twilio' }))).toBe('VALIDATION_FAILED')
  })

  it('takes what follows a second question mark for a part of the query', async () => {
    const url = '/twilio?a=?&bodySHA256='
    const signed = `${url}${twilioClient.getExpectedBodyHash('{}')}`
    const signature = twilioClient.getExpectedTwilioSignature(secret, `https://example.com${signed}`, {})
    expect((await verify(signature, '{}', signed)).scheme).toBe('twilio')
  })
})
