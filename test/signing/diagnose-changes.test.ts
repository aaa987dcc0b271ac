import { createHmac } from 'node:crypto'
import { hubspot, square, twilio } from 'posthorn/schemes'
import { describe, expect, it } from 'vitest'
import { diagnose } from '../../src/signing/diagnose.ts'
import { jsonStyles } from '../../src/signing/json-styles.ts'
import { urlVariants } from '../../src/signing/url-variants.ts'
import { clock, nowMs, otherSecret, secret, signed, utf8 } from './messages.ts'

const received = '{"b":1.0,"é":"a/b <c> d\'e+\\"","a":[{},[],12345678901234567890,true]}'

// What each language's own library writes of this document; Python's were made by Python 3.
const written: readonly (readonly [name: string, text: string])[] = [
  ['JSON.stringify of JavaScript', received],
  [
    'JSON.stringify of JavaScript with 2 spaces',
    '{\n  "b": 1.0,\n  "é": "a/b <c> d\'e+\\"",\n  "a": [\n    {},\n    [],\n    12345678901234567890,\n    true\n  ]\n}',
  ],
  [
    'JSON.stringify of JavaScript with tabs',
    '{\n\t"b": 1.0,\n\t"é": "a/b <c> d\'e+\\"",\n\t"a": [\n\t\t{},\n\t\t[],\n\t\t12345678901234567890,\n\t\ttrue\n\t]\n}',
  ],
  ['json.dumps of Python', '{"b": 1.0, "\\u00e9": "a/b <c> d\'e+\\"", "a": [{}, [], 12345678901234567890, true]}'],
  [
    'json.dumps of Python with ensure_ascii=False',
    '{"b": 1.0, "é": "a/b <c> d\'e+\\"", "a": [{}, [], 12345678901234567890, true]}',
  ],
  [
    'json.dumps of Python with sort_keys=True',
    '{"a": [{}, [], 12345678901234567890, true], "b": 1.0, "\\u00e9": "a/b <c> d\'e+\\""}',
  ],
  [
    'json.dumps of Python with indent=4',
    '{\n    "b": 1.0,\n    "\\u00e9": "a/b <c> d\'e+\\"",\n    "a": [\n        {},\n        [],\n        12345678901234567890,\n        true\n    ]\n}',
  ],
  [
    'json.dumps of Python without spaces',
    '{"b":1.0,"\\u00e9":"a/b <c> d\'e+\\"","a":[{},[],12345678901234567890,true]}',
  ],
  ['json_encode of PHP', '{"b":1.0,"\\u00e9":"a\\/b <c> d\'e+\\"","a":[{},[],12345678901234567890,true]}'],
  [
    'json_encode of PHP with JSON_UNESCAPED_UNICODE',
    '{"b":1.0,"é":"a\\/b <c> d\'e+\\"","a":[{},[],12345678901234567890,true]}',
  ],
  [
    'encoding/json of Go, or to_json of Rails',
    '{"b":1.0,"é":"a/b \\u003cc\\u003e d\'e+\\"","a":[{},[],12345678901234567890,true]}',
  ],
  [
    'encoding/json of Go, from a map and a line break',
    '{"a":[{},[],12345678901234567890,true],"b":1.0,"é":"a/b \\u003cc\\u003e d\'e+\\""}\n',
  ],
  ['Gson of Java', '{"b":1.0,"é":"a/b \\u003cc\\u003e d\\u0027e+\\"","a":[{},[],12345678901234567890,true]}'],
  [
    'System.Text.Json of .NET',
    '{"b":1.0,"\\u00E9":"a/b \\u003Cc\\u003E d\\u0027e\\u002B\\u0022","a":[{},[],12345678901234567890,true]}',
  ],
  [
    'JSON.stringify of JavaScript with 2 spaces and CRLF',
    '{\r\n  "b": 1.0,\r\n  "é": "a/b <c> d\'e+\\"",\r\n  "a": [\r\n    {},\r\n    [],\r\n    12345678901234567890,\r\n    true\r\n  ]\r\n}',
  ],
]

describe('diagnose, of a body that was written again', () => {
  it.each(written)('names %s as what the sender has', async (name, sent) => {
    const irregular = received.replaceAll(',', ' ,\t')
    for (const body of [irregular, utf8(irregular)]) {
      const diagnosis = await diagnose({ secret, clock }, { headers: await signed({ body: sent }), body })
      expect(diagnosis.problem).toBe('changed-body')
      expect(diagnosis.message).toContain(`as ${name} does`)
      expect(diagnosis.fixes.length).toBeGreaterThan(4)
    }
  })

  it('says that it may have been written again in a way that cannot be found, where it is JSON', async () => {
    const headers = await signed({ body: '{"b": 1,\n "a": 1.50}' })
    const irregular = await diagnose({ secret, clock }, { headers, body: '{"b":1,"a":1.5}' })
    expect(irregular).toMatchObject({ problem: 'wrong-secret', message: expect.stringContaining('cannot be found') })
    expect(irregular.fixes.length).toBeGreaterThan(4)
    const noJson = await diagnose({ secret, clock }, { headers, body: 'b=1' })
    expect(noJson.message).not.toContain('cannot be found')
    expect(noJson.fixes).toEqual([])
  })

  it('keeps members that come twice, and gives up what is nested too deeply', () => {
    expect(jsonStyles('{"a":1,"a":2, "__proto__": 3}')[0]?.text).toBe('{"a":1,"a":2,"__proto__":3}')
    expect(jsonStyles('['.repeat(100_000) + ']'.repeat(100_000))).toEqual([])
    expect(jsonStyles('{"a":}')).toEqual([])
  })
})

const token = '12345'
const form = 'CallSid=CA1&From=%2B1'
const sha1 = (content: string) => createHmac('sha1', token).update(content).digest('base64')

/** A form that Twilio signed for a URL, as it arrives. */
const twilioRequest = (signedUrl: string, headers: Record<string, string> = {}, url = '/hook?b=2&a=1') => ({
  headers: { ...headers, 'X-Twilio-Signature': sha1(`${signedUrl}CallSidCA1From+1`) },
  body: form,
  method: 'POST',
  url,
})
const ofTwilio = (publicUrl: string, request: ReturnType<typeof twilioRequest>) =>
  diagnose({ secret: token, scheme: twilio({ publicUrl }) }, request)

describe('diagnose, of a URL', () => {
  it.each([
    ['http for https', 'http://example.com/hook', 'https://example.com/hook', {}],
    ['https for http', 'https://example.com/hook', 'http://example.com/hook', {}],
    ['a slash at its end', 'https://example.com/hook', 'https://example.com/hook/', {}],
    ['no slash at its end', 'https://example.com/hook/', 'https://example.com/hook', {}],
    ['a port of its own', 'https://example.com/hook', 'https://example.com:8443/hook', { 'x-forwarded-port': '8443' }],
    ['the host of Host', 'http://localhost:3000/hook', 'https://example.com/hook', { host: 'example.com' }],
    [
      'the host that a proxy names',
      'http://localhost:3000/hook',
      'https://example.com/hook',
      { host: 'localhost:3000', 'x-forwarded-host': 'example.com', 'x-forwarded-proto': 'https' },
    ],
    [
      'the host of Forwarded',
      'http://localhost:3000/hook',
      'https://example.com/hook',
      { forwarded: 'for=1.2.3.4;proto=https;host="example.com", for=5.6.7.8' },
    ],
    ['the path of the request', 'https://example.com/other', 'https://example.com/hook', {}],
    [
      'a path that a proxy shortens',
      'https://example.com/hook',
      'https://example.com/api/hook',
      { 'x-forwarded-prefix': '/api/' },
    ],
  ])('says that Twilio signed %s', async (_, configured, signedUrl, headers) => {
    const diagnosis = await ofTwilio(configured, twilioRequest(`${signedUrl}?b=2&a=1`, headers))
    expect(diagnosis.problem).toBe('wrong-url')
    expect(diagnosis.message).toContain(`signed the URL ${signedUrl}, not ${configured} `)
    expect(diagnosis.message).not.toContain('b=2')
    expect(diagnosis.fixes.map(({ line }) => line).join()).toMatch(/publicUrl.*trust proxy.*trustProxy/)
  })

  it('names the host of a whole URL, and shows no password', async () => {
    const request = twilioRequest('https://me:hidden@example.com/hook?a', {}, 'http://example.com/hook?a')
    const diagnosis = await ofTwilio('https://me:hidden@localhost/hook', request)
    expect(diagnosis).toMatchObject({ problem: 'wrong-url' })
    expect(diagnosis.message).toContain('https://example.com/hook, not https://localhost/hook')
    expect(JSON.stringify(diagnosis)).not.toMatch(/hidden|12345/)
  })

  it('finds the URL of a JSON body, of Square and of HubSpot too', async () => {
    const hash = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a' // of {}
    const url = `/hook?bodySHA256=${hash}`
    const json = { ...twilioRequest('', {}, url), body: '{}' }
    const headers = { 'X-Twilio-Signature': sha1(`https://example.com${url}`) }
    expect((await ofTwilio('http://example.com/hook', { ...json, headers })).problem).toBe('wrong-url')
    const mac = (content: string) => createHmac('sha256', token).update(content).digest('base64')
    const ofSquare = await diagnose(
      { secret: token, scheme: square({ notificationUrl: 'https://example.com/hook' }) },
      { headers: { 'x-square-hmacsha256-signature': mac('https://example.com/hook/{}') }, body: '{}' },
    )
    expect(ofSquare.problem).toBe('wrong-url')
    const signature = mac(`POSThttps://example.com/hook?a=1[]${nowMs}`)
    const ofHubspot = await diagnose(
      { secret: token, scheme: hubspot({ publicUrl: 'http://example.com/hook' }), clock },
      {
        headers: { 'X-HubSpot-Signature-v3': signature, 'X-HubSpot-Request-Timestamp': String(nowMs) },
        body: '[]',
        method: 'POST',
        url: '/hook?a=1',
      },
    )
    expect(ofHubspot.problem).toBe('wrong-url')
  })

  it.each([200, 2000])(
    'says that it is the secret where no URL fits, where the request names %i hosts',
    async (length) => {
      const request = twilioRequest('https://elsewhere.example/hook?b=2&a=1', {
        'x-forwarded-host': Array.from({ length }, (_, index) => `host-${index}.example`).join(','),
        forwarded: 'host=no host;host=a/b',
      })
      expect(urlVariants('https://example.com/hook', request).length).toBeLessThanOrEqual(400)
      expect(await ofTwilio('https://example.com/hook', request)).toMatchObject({ problem: 'wrong-secret' })
    },
  )

  it('tries no URL where none is signed', async () => {
    const request = { headers: await signed({ body: 'text' }), body: 'text', url: 'https://example.com/' }
    expect((await diagnose({ secret: otherSecret, clock }, request)).problem).toBe('wrong-secret')
  })
})
