import { describe, expect, it } from 'vitest'
import { toBase64 } from '#crypto'
import { PosthornError } from '../../src/domain/error.ts'
import { assertSecret, generateSecret, readSecret, standardSecret } from '../../src/signing/secret.ts'
import { Signer } from '../../src/signing/signer.ts'
import { textSecret } from '../../src/signing/text-secret.ts'
import { Verifier } from '../../src/signing/verifier.ts'
import { secret, thrownBy } from './messages.ts'

const ofBytes = (length: number) => `whsec_${toBase64(new Uint8Array(length).fill(7))}`

const wrong: readonly (readonly [why: string, secret: unknown, hint: string])[] = [
  ['undefined', undefined, 'environment variable'],
  ['null', null, 'environment variable'],
  ['a number', 42, 'environment variable'],
  ['empty', '', 'environment variable'],
  ['only spaces', '   ', 'environment variable'],
  ['the word undefined', 'undefined', 'environment variable'],
  ['the word null', 'null', 'environment variable'],
  ['followed by a line break', `${secret}\n`, 'white space'],
  ['followed by a Windows line break', `${secret}\r\n`, 'white space'],
  ['surrounded by spaces', ` ${secret}`, 'white space'],
  ['in double quotes', `"${secret}"`, 'quotes'],
  ['in single quotes', `'${secret}'`, 'quotes'],
  ['with the v1, prefix', `v1,${secret}`, '"v1,"'],
]

const publicKey = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='
const privateKey = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc='

const wrongStandard: readonly (readonly [why: string, secret: unknown, hint: string])[] = [
  ...wrong,
  ['the prefix alone', 'whsec_', 'copy all of it'],
  ['a public key cut off', publicKey.slice(0, 40), 'copy all of it'],
  ['a private key cut off', privateKey.slice(0, 40), 'copy all of it'],
  ['not base64', 'whsec_!!!!', '24 to 64 bytes'],
  ['base64url', `whsec_${'_-'.repeat(16)}`, '24 to 64 bytes'],
  ['with a space inside', 'whsec_MfKQ9r8GKYqrTwjUPD8I LPZIo2LaLaSw', '24 to 64 bytes'],
  ['a misspelt prefix', 'hwsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', '24 to 64 bytes'],
  ['with its prefix in the middle', 'MfKQ9r8GKYqrTwjUPD8Iwhsec_LPZIo2LaLaSw', '24 to 64 bytes'],
  ['one byte', 'whsec_QQ==', '24 to 64 bytes'],
  ['24 to 64 bytes', ofBytes(23), '24 to 64 bytes'],
  ['24 to 64 bytes', ofBytes(65), '24 to 64 bytes'],
]

/** Answers the message of a SECRET_INVALID; fails for anything else. */
function refusal(call: () => unknown): string {
  const error = thrownBy(call)
  if (error instanceof PosthornError && error.code === 'SECRET_INVALID') return error.message
  throw error
}

describe('generateSecret', () => {
  it('gives whsec_ and the base64 of 32 bytes, another each time', () => {
    const made = generateSecret()
    expect(made).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(readSecret(made, standardSecret, 'secret')).toMatchObject([
      { algorithm: 'hmac-sha256', bytes: { length: 32 } },
    ])
    expect(() => assertSecret(made)).not.toThrow()
    expect(generateSecret()).not.toBe(made)
  })
})

describe('assertSecret', () => {
  it.each(wrongStandard.filter(([why]) => !why.endsWith('key cut off')))(
    'refuses a secret that is %s',
    (_, given, hint) => {
      expect(refusal(() => assertSecret(given))).toContain(hint)
    },
  )

  it('quotes no part of the secret that it refuses', () => {
    const long = wrongStandard.flatMap(([, given]) => (typeof given === 'string' && given.length > 12 ? [given] : []))
    expect(long.length).toBeGreaterThan(8)
    for (const given of long) expect(refusal(() => assertSecret(given))).not.toContain(given.slice(6, 16))
  })

  it('demands the prefix', () => {
    expect(refusal(() => assertSecret(secret.slice(6)))).toContain('put whsec_ before')
  })

  it('case 28: refuses the halves of a key pair', () => {
    for (const half of [publicKey, privateKey]) expect(refusal(() => assertSecret(half))).toContain('shared secret')
  })

  it('accepts 24 and 64 bytes', () => {
    expect(() => assertSecret(ofBytes(24))).not.toThrow()
    expect(() => assertSecret(ofBytes(64))).not.toThrow()
  })
})

describe.each([
  ['Signer', Signer],
  ['Verifier', Verifier],
])('%s', (name, Class) => {
  it.each(wrongStandard)('refuses a secret that is %s', (_, given, hint) => {
    expect(refusal(() => new Class({ secret: given as string }))).toContain(hint)
  })

  it('names the secret of a list that is wrong', () => {
    const error = thrownBy(() => new Class({ secret: [secret, 'whsec_QQ=='] }))
    expect(String(error)).toContain(`${name}: secret 2 is neither whsec_`)
  })

  it('takes 16 secrets', () => {
    expect(() => new Class({ secret: Array.from({ length: 16 }, generateSecret) })).not.toThrow()
  })

  it('refuses no secrets and more than 16', () => {
    expect(refusal(() => new Class({ secret: [] }))).toContain('1 to 16')
    expect(refusal(() => new Class({ secret: Array.from({ length: 17 }, generateSecret) }))).toContain('1 to 16')
  })

  it.each([
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwaQ==',
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwaQ',
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr',
  ])('takes %s with and without prefix, as Python does', (base64) => {
    expect(() => new Class({ secret: [base64, `whsec_${base64}`] })).not.toThrow()
  })
})

describe('textSecret', () => {
  it.each([...wrong, ['a public key', publicKey, 'whpk_'] as const, ['a private key', privateKey, 'whsk_'] as const])(
    'cases 26, 27: refuses a text secret that is %s',
    (_, given, hint) => {
      expect(refusal(() => readSecret(given, textSecret, 'secret'))).toContain(hint)
    },
  )

  it('takes a text secret as it stands, prefix and all', () => {
    const [key] = readSecret('whsec_é_of_text', textSecret, 'secret')
    expect(Buffer.from(key?.bytes ?? []).toString('utf8')).toBe('whsec_é_of_text')
  })
})
