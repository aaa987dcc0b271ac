import { discord, openai, polar, standardWebhooks } from 'posthorn/schemes'
import { describe, expect, it } from 'vitest'
import { Signer } from '../../../src/signing/signer.ts'
import { Verifier } from '../../../src/signing/verifier.ts'

describe('a private key', () => {
  const secret = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=='

  it('signs by a scheme whose receivers can be given its public half', async () => {
    const headers = await new Signer({ secret, scheme: standardWebhooks }).sign({ id: 'msg_1', body: 'x' })
    expect(headers['webhook-signature']).toMatch(/^v1a,/)
  })

  it('signs alike with its public half behind it and without', async () => {
    const seed = `whsk_${Buffer.from(secret.slice(5), 'base64').subarray(0, 32).toString('base64')}`
    const message = { id: 'msg_1', body: 'x', timestamp: new Date(1_700_000_000_000) }
    const headers = await new Signer({ secret: seed }).sign(message)
    expect(headers).toEqual(await new Signer({ secret }).sign(message))
    const secretOf = `whpk_${Buffer.from(secret.slice(5), 'base64').subarray(32).toString('base64')}`
    const verifier = new Verifier({ secret: secretOf, clock: () => 1_700_000_000_000 })
    expect((await verifier.verify({ headers, body: 'x' })).eventId).toBe('msg_1')
  })

  it.each([31, 33, 63, 65])('is refused with %i bytes', (length) => {
    const wrong = `whsk_${Buffer.alloc(length, 7).toString('base64')}`
    expect(() => new Signer({ secret: wrong })).toThrow('32 bytes after whsk_')
  })

  it.each([openai, polar, discord])('is refused by $name, whose receivers could not verify it', (scheme) => {
    expect(() => new Signer({ secret, scheme })).toThrow(expect.objectContaining({ code: 'SECRET_INVALID' }))
  })
})
