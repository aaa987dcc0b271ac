import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import { github, gitlabToken, shopify } from 'posthorn/schemes'
import { describe, expect, it } from 'vitest'
import { Verifier } from '../../src/signing/verifier.ts'
import { body, codeOf, thrownBy } from './messages.ts'

// The known ways to get verifying wrong, by number: each test that shows one is named "case 9: …" or "cases 4, 5: …".

const secret = 'a-shared-secret'
const mac = (content: string | Uint8Array, encoding: 'hex' | 'base64' = 'hex') =>
  createHmac('sha256', secret).update(content).digest(encoding)

describe('Verifier', () => {
  it('case 52: takes no scheme from the request, which would choose the weakest', async () => {
    const verifier = new Verifier({ secret, scheme: github })
    const headers = { 'X-Gitlab-Token': secret, 'X-Gitlab-Event': 'Push Hook' }
    expect((await new Verifier({ secret, scheme: gitlabToken }).verify({ headers, body })).covers).toEqual([])
    expect(await codeOf(verifier.verify({ headers, body }))).toBe('HEADER_MISSING')
  })

  it('case 54: verifies a compressed body as the bytes that came, and never what they hold', async () => {
    const compressed = new Uint8Array(gzipSync(body))
    const headers = { 'X-Hub-Signature-256': `sha256=${mac(compressed)}`, 'Content-Encoding': 'gzip' }
    const verifier = new Verifier({ secret, scheme: github })
    const verified = await verifier.verify({ headers, body: compressed })
    expect(gunzipSync(verified.rawBody).toString()).toBe(body)
    expect(thrownBy(() => verified.payload)).toMatchObject({ code: 'PAYLOAD_INVALID' })
    // Signed before it was compressed: whoever receives it must decompress it first, in front of the verifier.
    const before = { ...headers, 'X-Hub-Signature-256': `sha256=${mac(body)}` }
    expect(await codeOf(verifier.verify({ headers: before, body: compressed }))).toBe('SIGNATURE_MISMATCH')
    expect((await verifier.verify({ headers: before, body })).payload).toEqual(JSON.parse(body))
  })

  it("case 55: refuses the signature of another use of one secret, as of Shopify's app proxies in hex", async () => {
    const verifier = new Verifier({ secret, scheme: shopify })
    const verify = (signature: string) => verifier.verify({ headers: { 'X-Shopify-Hmac-Sha256': signature }, body })
    expect((await verify(mac(body, 'base64'))).keyIndex).toBe(0)
    expect(await codeOf(verify(mac(body)))).toBe('SIGNATURE_MISMATCH')
    expect(await codeOf(verify(mac('shop=a.myshopify.com', 'base64')))).toBe('SIGNATURE_MISMATCH')
  })
})

describe('the cases', () => {
  it('are all there, from 1 to 57', () => {
    const found = namedCases()
    const missing = Array.from({ length: 57 }, (_, index) => index + 1).filter((number) => !found.has(number))
    expect(missing).toEqual([])
    expect(Math.max(...found)).toBe(57)
  })
})

/** The numbers in the names of the tests of signing and receiver. */
function namedCases(): ReadonlySet<number> {
  const folders = ['.', '../receiver'].map((path) => new URL(`${path}/`, import.meta.url))
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.test.ts'))
      .map((path) => readFileSync(new URL(path, folder), 'utf8')),
  )
  // Only where a test is named so: it('case 9: or ])('cases 4, 5:
  const names = files.flatMap((text) => [...text.matchAll(/\(\s*['"]cases? ([\d, ]+): /g)])
  return new Set(names.flatMap(([, numbers = '']) => numbers.split(', ').map(Number)))
}
