import { describe, expect, it } from 'vitest'
import vectors from '../../../scripts/runtimes/vectors.json' with { type: 'json' }
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
  keys: {},
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

function otherSecretThan(given: string): string {
  return given === otherSecret ? defaultSecret : otherSecret
}
