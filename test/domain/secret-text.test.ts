import { format, inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { SecretText } from '../../src/domain/secret-text.ts'

describe('SecretText', () => {
  const secret = new SecretText('whsec_hidden')

  it('prints as [secret], whatever prints it', () => {
    const prints = {
      inspect: inspect(secret),
      hidden: inspect(secret, { showHidden: true, depth: 9 }),
      log: format('%s %o %O %j', secret, secret, secret, secret),
      json: JSON.stringify({ secret }),
      string: String(secret),
      template: `printed: ${secret as unknown as string}`,
      joined: [secret].join(),
      concatenated: 'a' + secret,
    }
    for (const [name, text] of Object.entries(prints)) {
      expect(text, name).toContain('[secret]')
      expect(text, name).not.toContain('hidden')
    }
    expect(inspect({ nested: { secret } })).toBe('{ nested: { secret: [secret] } }')
    expect(Object.assign({}, secret)).toEqual({})
    expect(structuredClone(secret)).toEqual({})
  })

  it('is revealed to whoever asks on purpose', () => {
    expect(secret.reveal()).toBe('whsec_hidden')
  })
})
