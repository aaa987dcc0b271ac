import { createHmac } from 'node:crypto'
import { github, milliseconds, stripe } from 'posthorn/schemes'
import { describe, expect, it } from 'vitest'
import { diagnose } from '../../src/signing/diagnose.ts'
import type { Scheme } from '../../src/signing/scheme.ts'
import { Signer } from '../../src/signing/signer.ts'
import type { VerifierOptions } from '../../src/signing/verifier.ts'
import { body, clock, nowMs, otherSecret, secret, signed } from './messages.ts'

const options: VerifierOptions = { secret, clock }
const problemOf = async (changed: Partial<VerifierOptions>, request: unknown) =>
  (await diagnose({ ...options, ...changed }, request as never)).problem

describe('diagnose', () => {
  it('finds nothing wrong with a request that verifies, and accepts nothing', async () => {
    const diagnosis = await diagnose(options, { headers: await signed(), body })
    expect(Object.keys(diagnosis).toSorted()).toEqual(['fixes', 'message', 'problem'])
    expect(diagnosis.problem).toBe('none')
  })

  it('names a secret of another endpoint', async () => {
    expect(await problemOf({ secret: otherSecret }, { headers: await signed(), body })).toBe('wrong-secret')
  })

  it('names a secret that is no key, with its fix', async () => {
    const diagnosis = await diagnose({ ...options, secret: `${secret} ` }, { headers: await signed(), body })
    expect(diagnosis).toMatchObject({
      problem: 'secret-format',
      message: expect.stringContaining('white space') as string,
    })
  })

  it('names a secret that is read in another way than it was signed with', async () => {
    const headers = await signed()
    const mac = (key: string | Uint8Array) =>
      createHmac('sha256', key).update(`msg_1.${headers['webhook-timestamp']}.${body}`).digest('base64')
    const request = { headers: { ...headers, 'webhook-signature': `v1,${mac(secret)}` }, body }
    expect(await problemOf({}, request)).toBe('secret-format')
    const bare = { headers: { ...headers, 'webhook-signature': `v1,${mac(secret.slice(6))}` }, body }
    expect(await problemOf({}, bare)).toBe('secret-format')
    const scheme = stripe
    const decoded = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
      .update(`1700000000.${body}`)
      .digest('hex')
    expect(await problemOf({ scheme }, { headers: { 'stripe-signature': `t=1700000000,v1=${decoded}` }, body })).toBe(
      'secret-format',
    )
  })

  it.each([
    ['trimmed', '{}\n', '{}'],
    ['ended with a line break', '{}', '{}\n'],
    ['without its byte order mark', '\ufeff{}', '{}'],
    ['with a byte order mark', '{}', '\ufeff{}'],
    ['with CRLF for its line ends', '{\n}', '{\r\n}'],
    ['with other line ends', '{\r\n}', '{\n}'],
    ['normalized', '"e\u0301"', '"\u00e9"'],
  ])('names a body that came %s, with the line for each framework', async (_, sent, received) => {
    const request = { headers: await signed({ body: sent }), body: received }
    const diagnosis = await diagnose(options, request)
    expect(diagnosis.problem).toBe('changed-body')
    expect(diagnosis.fixes.map(({ framework }) => framework).join()).toMatch(/Express.*Next.*Fastify.*Nest.*Lambda/)
  })

  it('names a body that was parsed', async () => {
    const request = { headers: await signed(), body: JSON.parse(body) as unknown }
    const diagnosis = await diagnose(options, request as never)
    expect(diagnosis).toMatchObject({
      problem: 'parsed-body',
      message: expect.stringContaining('happen to fit') as string,
    })
    expect(diagnosis.fixes.length).toBeGreaterThan(4)
    expect(await problemOf({}, { headers: await signed({ body: '{"a":1.0}' }), body: { a: 1 } })).toBe('parsed-body')
  })

  it('names a clock that is off, and says by how much', async () => {
    const late = await diagnose({ ...options, clock: () => nowMs + 3_600_000 }, { headers: await signed(), body })
    expect(late).toMatchObject({ problem: 'clock', message: expect.stringContaining('3600 s behind') as string })
    const early = await diagnose({ ...options, clock: () => nowMs - 600_000 }, { headers: await signed(), body })
    expect(early.message).toContain('600 s ahead')
    const both = { secret: otherSecret, clock: () => nowMs + 3_600_000 }
    expect(await problemOf(both, { headers: await signed(), body })).toBe('wrong-secret')
  })

  const signedAt = (time: string, text = body) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': time,
    'webhook-signature': `v1,${createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
      .update(`msg_1.${time}.${text}`)
      .digest('base64')}`,
  })

  it.each([
    [String(nowMs), 'in milliseconds'],
    [`${nowMs}000`, 'in microseconds'],
    [`${nowMs}000000`, 'in nanoseconds'],
    [`${nowMs / 1000}.5`, 'in seconds with a fraction'],
    [new Date(nowMs).toISOString(), 'ISO 8601 text'],
    ['yesterday', 'in no form that is known'],
  ])('names a time in another unit, %s, and does not blame the secret', async (time, form) => {
    const diagnosis = await diagnose(options, { headers: signedAt(time), body })
    expect(diagnosis).toMatchObject({
      problem: 'clock',
      message: expect.stringContaining(`the time is ${form}, and standard-webhooks reads it in seconds`) as string,
    })
    expect(diagnosis.message).not.toContain('secret')
    expect(await problemOf({ secret: otherSecret }, { headers: signedAt(time), body })).toBe('wrong-secret')
    expect(await problemOf({}, { headers: signedAt(time, `${body}\n`), body })).toBe('changed-body')
  })

  it('names seconds where a scheme reads milliseconds, and a time in the body that is missing', async () => {
    const timestamp = { place: { body: 'at' }, unit: milliseconds }
    const scheme: Scheme = { ...github, covers: ['body', 'timestamp'], timestamp }
    const reasonOf = async (text: string) => {
      const headers = await new Signer({ secret: 'text', scheme: github }).sign({ id: '1', type: 'push', body: text })
      return (await diagnose({ secret: 'text', scheme, clock }, { headers, body: text })).message
    }
    expect(await reasonOf('{"at":1700000000}')).toContain('the time is in seconds, and github reads it in milliseconds')
    expect(await reasonOf('{}')).toContain('the time is missing')
  })

  it('reads headers that can be read once, which it tries many times', async () => {
    const sent = await signed({ body: `${body}\n` })
    const once = { [Symbol.iterator]: () => Object.entries(sent)[Symbol.iterator]() }
    const iterators = [new Headers(sent).entries(), new Map(Object.entries(sent)).entries(), once[Symbol.iterator]()]
    for (const headers of iterators) expect(await problemOf({}, { headers, body })).toBe('changed-body')
    expect(await problemOf({}, { headers: { ...sent, next: 'a header' }, body })).toBe('changed-body')
  })

  it('names a header that is missing or malformed', async () => {
    const { 'webhook-id': _, ...headers } = await signed()
    expect(await problemOf({}, { headers, body })).toBe('missing-header')
    expect(await problemOf({}, { headers: { ...headers, 'webhook-id': 'a.b' }, body })).toBe('wrong-header')
  })

  it('diagnoses other schemes', async () => {
    const headers = await new Signer({ secret: 'text', scheme: github }).sign({ id: '1', type: 'push', body: '{}\n' })
    expect(await problemOf({ secret: 'text', scheme: github }, { headers, body: '{}' })).toBe('changed-body')
  })

  it('shows neither secret nor body', async () => {
    const diagnosis = await diagnose({ ...options, secret: otherSecret }, { headers: await signed(), body })
    for (const hidden of [otherSecret.slice(6), 'order.paid']) expect(JSON.stringify(diagnosis)).not.toContain(hidden)
  })

  it('throws for wrong options, which are not the request', async () => {
    await expect(diagnose({ ...options, maxAgeMs: 0 }, { headers: {}, body })).rejects.toThrow(
      'maxAgeMs must be a whole number from 1, or false, not 0',
    )
  })
})
