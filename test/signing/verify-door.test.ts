import * as verify from 'posthorn/verify'
import { describe, expect, it } from 'vitest'
import { body, clock } from './messages.ts'

describe('posthorn/verify', () => {
  it('exports what signs, verifies and diagnoses, and nothing else', () => {
    expect(Object.keys(verify).toSorted()).toEqual([
      'PosthornError',
      'Signer',
      'Verifier',
      'answerHandshake',
      'diagnose',
      'generateSecret',
      'ipaScheme',
      'standardWebhooks',
    ])
  })

  it.each([verify.standardWebhooks, verify.ipaScheme])('verifies what it signs, by $name', async (scheme) => {
    const secret = verify.generateSecret()
    const headers = await new verify.Signer({ secret, scheme, clock }).sign({ id: 'msg_1', type: 'order.paid', body })
    const event = await new verify.Verifier({ secret, scheme, clock }).verify({ headers, body })
    expect(event).toMatchObject({ scheme: scheme.name, payload: JSON.parse(body) as unknown })
  })
})
