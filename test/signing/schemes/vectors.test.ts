import { hubspot } from 'posthorn/schemes'
import { describe, expect, it } from 'vitest'
import vectors from '../../../scripts/runtimes/vectors.json' with { type: 'json' }
import { seconds } from '../../../src/signing/timestamp.ts'
import { Verifier } from '../../../src/signing/verifier.ts'
import { codeOf, otherSecret, secret as defaultSecret } from '../messages.ts'
import { schemeOf, type SignedRequest, verifierOf } from './requests.ts'

const published: readonly (SignedRequest & { readonly source: string })[] = vectors.map((vector) => ({
  name: vector.scheme,
  scheme: vector.scheme,
  options: vector.options,
  secret: vector.secret,
  nowMs: vector.nowMs ?? 0,
  input: {
    headers: vector.headers,
    body: vector.body,
    method: 'POST',
    url: vector.url,
  },
  keys: (vector.keys ?? {}) as Record<string, string>, // no member is undefined
  source: vector.source,
}))

describe.each(published)('$name', (vector) => {
  it('case 57: verifies the vector of $source', async () => {
    const verified = await verifierOf(vector).verify(vector.input)
    expect(verified).toMatchObject({ scheme: schemeOf(vector).name, keyIndex: 0 })
  })

  it('refuses it with another secret', async () => {
    // Public keys cannot be changed at will and still be keys.
    if (vector.secret === undefined || vector.secret.startsWith('whpk_') || vector.scheme === 'sendgrid') return
    const backwards = [...vector.secret].toReversed().join('')
    const secret = vector.secret.startsWith('whsec_') ? otherSecretThan(vector.secret) : backwards
    expect(await codeOf(verifierOf(vector, { secret }).verify(vector.input))).toBe('SIGNATURE_MISMATCH')
  })
})

describe('hubspot', () => {
  it('case 57: verifies the vector of hubspot-api-python 83aedb0 tests/spec/utils/test_signature.py', async () => {
    const scheme = hubspot({ publicUrl: 'https://www.example.com/webhook_uri' })
    // Its time is of 1970, which in milliseconds looks like a time in seconds, and is refused as one; so it is read in seconds.
    const timestamp = { place: { header: 'X-HubSpot-Request-Timestamp' }, unit: seconds }
    const secret = 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy'
    const verifier = new Verifier({ secret, scheme: { ...scheme, timestamp }, clock: () => 15_000_000_000 })
    const verified = await verifier.verify({
      headers: {
        'X-HubSpot-Request-Timestamp': '15000000',
        'X-HubSpot-Signature-v3': 'HPW73RUtKmcYoEDADG0s6MmGFWUzWJKAW07r8RDgcQw=',
      },
      body: "{'example_field':'example_value'}",
      method: 'POST',
      url: '/webhook_uri',
    })
    expect(verified.keyIndex).toBe(0)
  })
})

function otherSecretThan(given: string): string {
  return given === otherSecret ? defaultSecret : otherSecret
}
