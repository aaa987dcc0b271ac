import { contentful } from 'posthorn/schemes'
import { describe, expect, it } from 'vitest'
import { Signer } from '../../../src/signing/signer.ts'
import { Verifier } from '../../../src/signing/verifier.ts'
import { clock, codeOf, nowMs } from '../messages.ts'

const secret = '0123456789abcdef'.repeat(4)
const body = '{"sys":{"id":"e1"}}'
const topic = 'ContentManagement.Entry.publish'
const list = 'x-contentful-signed-headers,x-contentful-timestamp,x-contentful-topic'
const verify = (signature: string, url: string) =>
  new Verifier({ secret, scheme: contentful, clock }).verify({
    headers: {
      'x-contentful-signature': signature,
      'x-contentful-signed-headers': list,
      'x-contentful-timestamp': String(nowMs),
      'x-contentful-topic': topic,
    },
    body,
    url,
  })

// signRequest of @contentful/node-apps-toolkit 3.16.1, of POST with the topic as the one header, at the tests' now.
const vectors = [
  ['/hook', 'b48062787794c22309ccd6b73ae02bfc72dbcf78b60791990724fad420110029'],
  ['/hook?a=b', '299652f08b799024df22ecb613ac1448f7e3e1622408dcd0d29a824cccb3d690'],
  ['/hook?a=b&c=d%20e', '170932e88e9fc953289a01115124997b7aea53083baed4d290b201f044ee289d'],
  ['/hook?a=b?c', '299652f08b799024df22ecb613ac1448f7e3e1622408dcd0d29a824cccb3d690'],
  ['/hook?', 'b48062787794c22309ccd6b73ae02bfc72dbcf78b60791990724fad420110029'],
  ['/h%20k', 'be32e0fc428e9b0ef51f6d3c28ce2f3d7c6a5616c61eb0a489c6947a3f74c8e7'],
] as const

describe('contentful', () => {
  it.each(vectors)(
    "verifies what Contentful's own package signs for %s, which was refused with a query",
    async (url, signature) => {
      expect((await verify(signature, url)).type).toBe(topic)
      expect((await verify(signature, `https://internal.example${url}`)).type).toBe(topic)
      expect(await codeOf(verify(signature, `/other${url}`))).toBe('SIGNATURE_MISMATCH')
    },
  )

  it.each(vectors)("signs %s as Contentful's own package does", async (url, signature) => {
    const headers = {
      'x-contentful-signed-headers': list,
      'x-contentful-topic': topic,
      'x-contentful-timestamp': String(nowMs),
    }
    const signed = await new Signer({ secret, scheme: contentful, clock }).sign({
      id: 'x',
      type: topic,
      body,
      url,
      headers,
    })
    expect(signed['x-contentful-signature']).toBe(signature)
  })

  it('refuses another query than the one that was signed', async () => {
    expect(await codeOf(verify(vectors[1][1], '/hook?a=c'))).toBe('SIGNATURE_MISMATCH')
    expect(await codeOf(verify(vectors[1][1], '/hook'))).toBe('SIGNATURE_MISMATCH')
    expect(await codeOf(verify(vectors[0][1], '/hook?a=b'))).toBe('SIGNATURE_MISMATCH')
  })
})
