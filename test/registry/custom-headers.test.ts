import { describe, expect, it } from 'vitest'
import { ipaScheme, memoryStorage, standardWebhooks, WebhookRegistry, type CreateWebhookInput } from 'posthorn'
import { problemOfHeaderName } from '../../src/registry/custom-headers.ts'
import { secretsOf } from '../../src/registry/sealing.ts'

const input: CreateWebhookInput = { name: 'ci', url: 'https://example.com/hook', events: ['a.*'] }
const redacted = '[redacted]'

function setUp() {
  const storage = memoryStorage()
  const registry = new WebhookRegistry({ storage })
  const valuesOf = async (id: string) => {
    const { headers } = secretsOf((await storage.getWebhook(id, 'default'))!.sealed)
    return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()]))
  }
  return { storage, registry, valuesOf }
}

const issuesOf = async (work: Promise<unknown>) => {
  const error: unknown = await work.then(
    () => expect.fail('nothing was thrown'),
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ name: 'PosthornError', code: 'VALIDATION_FAILED' })
  return (error as { issues: { path: string; message: string }[] }).issues
}

describe('the headers of a webhook', () => {
  it('are shown by name, their values redacted', async () => {
    const { registry, valuesOf } = setUp()
    const headers = { Authorization: 'Bearer abc', 'X-Team': 'core, "quoted" ~' }
    const created = await registry.create({ ...input, headers })
    const shown = { authorization: redacted, 'x-team': redacted }
    expect(created.headers).toEqual(shown)
    expect((await registry.get(created.id)).headers).toEqual(shown)
    expect((await registry.list()).data[0]?.headers).toEqual(shown)
    expect((await registry.rotateSecret(created.id)).headers).toEqual(shown)
    expect(await valuesOf(created.id)).toEqual({ authorization: 'Bearer abc', 'x-team': 'core, "quoted" ~' })
  })

  it('change one by one with update: a text sets, null removes, what is left out or redacted stays', async () => {
    const { registry, valuesOf } = setUp()
    const { id, secret } = await registry.create({ ...input, headers: { a: '1', b: '2', c: '3' } })
    const changed = await registry.update(id, { name: 'new', headers: { A: '9', b: null, c: redacted, d: '4' } })
    expect(changed).toMatchObject({ name: 'new', headers: { a: redacted, c: redacted, d: redacted } })
    expect(await valuesOf(id)).toEqual({ a: '9', c: '3', d: '4' })
    await registry.update(id, { name: 'newer' })
    expect(await valuesOf(id)).toEqual({ a: '9', c: '3', d: '4' })
    await registry.update(id, { headers: null })
    expect(await valuesOf(id)).toEqual({})
    expect(await registry.revealSecret(id)).toBe(secret)
  })

  it('are replaced as a whole with replace, and stay where they are left out', async () => {
    const { registry, valuesOf } = setUp()
    const { id } = await registry.create({ ...input, headers: { a: '1', b: '2', c: '3' } })
    await registry.replace(id, input)
    expect(await valuesOf(id)).toEqual({ a: '1', b: '2', c: '3' })
    const { events, name, url, headers } = await registry.get(id)
    const { c: _removed, ...others } = headers
    await registry.replace(id, { events, name, url, headers: { ...others, d: '4', a: null } })
    expect(await valuesOf(id)).toEqual({ b: '2', d: '4' })
    await registry.replace(id, { ...input, headers: null })
    expect(await valuesOf(id)).toEqual({})
  })

  it('never become the placeholder', async () => {
    const { registry } = setUp()
    const placeholder = { ...input, headers: { 'X-Key': redacted } }
    const message = 'has the placeholder [redacted] and no value to keep: give the value'
    expect(await issuesOf(registry.create(placeholder))).toEqual([{ path: 'headers.X-Key', message }])
    const { id } = await registry.create(input)
    expect((await issuesOf(registry.update(id, { headers: placeholder.headers })))[0]?.path).toBe('headers.X-Key')
  })

  it('are at most 20 and 6,144 characters, those there already included', async () => {
    const { registry } = setUp()
    const many = (count: number, prefix = 'x') =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}-${n}`, 'v']))
    const { id } = await registry.create({ ...input, headers: many(20) })
    expect((await issuesOf(registry.create({ ...input, headers: many(21) })))[0]?.path).toBe('headers')
    const tooMany = { path: 'headers', message: 'must be at most 20, those there already included' }
    expect(await issuesOf(registry.update(id, { headers: many(1, 'y') }))).toEqual([tooMany])
    await registry.update(id, { headers: { 'x-0': null, 'y-0': 'v' } })
    const long = { a: 'x'.repeat(4_000), b: 'x'.repeat(2_142) }
    await registry.create({ ...input, headers: long })
    const tooLong = { path: 'headers', message: 'must have at most 6144 characters in all' }
    expect(await issuesOf(registry.create({ ...input, headers: { ...long, c: 'x' } }))).toEqual([tooLong])
  })

  it.each<[string, unknown, string?]>([
    ['an array', ['a']],
    ['text', 'a: b'],
    ['a Map', new Map([['a', 'b']])],
    ['null at creation', null],
    ['a number', { a: 1 }, 'must be a string'],
    ['null as a value at creation', { a: null }],
    ['an empty value', { a: '' }, 'must have a value of 1 to 4096 characters'],
    ['a value of 4,097 characters', { a: 'x'.repeat(4_097) }, 'must have a value of 1 to 4096 characters'],
    ['a line break', { a: 'b\r\nx-injected: 1' }, 'must have a value of printable ASCII characters'],
    ['a bare line feed', { a: 'b\nc' }],
    ['NUL', { a: 'b\0' }],
    ['a tab', { a: 'b\tc' }],
    ['DEL', { a: 'b\u007f' }],
    ['what is not ASCII', { a: 'ü' }],
    ['white space before', { a: ' b' }, 'has white space around its value: trim it'],
    ['white space behind', { a: 'b ' }, 'has white space around its value: trim it'],
    ['an empty name', { '': 'b' }, 'must have a name of 1 to 100 characters'],
    ['a name with a space', { 'a b': 'c' }, 'has a name that is no token (RFC 9110, 5.6.2): use letters, digits, -'],
    ['a name with a colon', { ':authority': 'c' }],
    ['a name with a line break', { 'a\r\nb': 'c' }],
    ['a name that ends in a line feed', { 'a\n': 'c' }],
    ['a name that is not ASCII', { ä: 'c' }],
    ['a name with the sign of Kelvin, which is a k in lower case', { '\u212aeep-alive': 'c' }],
    ['a name of 101 characters', { ['a'.repeat(101)]: 'c' }, 'must have a name of 1 to 100 characters'],
    ['__proto__', JSON.parse('{"__proto__":"c"}'), 'is not allowed as a name'],
    ['two names that differ in case', { 'X-A': '1', 'x-a': '2' }],
  ])('refuse %s and quote no value', async (_, headers, message) => {
    const { registry } = setUp()
    const issues = await issuesOf(registry.create({ ...input, headers: headers as never }))
    const said = expect.stringMatching(/^(?!.*injected).{10,}$/) as unknown
    expect(issues).toEqual([{ path: expect.stringMatching(/^headers/), message: message ?? said }])
  })

  it('may have a name of 100 and a value of 4,096 characters', async () => {
    const { registry, valuesOf } = setUp()
    const headers = { ['a'.repeat(100)]: '1', b: 'x'.repeat(4_096) }
    const { id } = await registry.create({ ...input, headers })
    expect(await valuesOf(id)).toEqual(headers)
  })

  it('are answered with one issue where they are far too many', async () => {
    const { registry } = setUp()
    const headers = Object.fromEntries(Array.from({ length: 41 }, (_, n) => [`no name ${n}`, 'v']))
    const issues = await issuesOf(registry.create({ ...input, headers }))
    expect(issues).toEqual([{ path: 'headers', message: 'must be at most 20' }])
  })

  it.each([
    ...['content-length', 'Content-Type', 'content-encoding', 'content-anything', 'transfer-encoding', 'trailer'],
    ...['expect', 'connection', 'keep-alive', 'te', 'upgrade', 'http2-settings', 'proxy-authorization', 'proxy-x'],
    ...['host', 'Host', 'cookie', 'cookie2', 'set-cookie', 'forwarded', 'via', 'x-real-ip', 'x-forwarded-for'],
    ...['X-Forwarded-Host', 'x-forwarded', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip', 'x-original-url'],
    ...[
      'x-http-method-override',
      'metadata',
      'metadata-flavor',
      'x-aws-ec2-metadata-token',
      'x-google-metadata-request',
    ],
    ...['user-agent', 'sec-fetch-site', 'webhook-id', 'Webhook-Signature', 'webhook-anything', 'svix-id'],
    // CGI, WSGI and Rack make one name of `_` and `-`.
    ...['content_length', 'Transfer_Encoding', 'x_forwarded_for', 'X-Real_IP', 'webhook_id', 'Proxy_Authorization'],
    ...['max-forwards', 'cdn-loop', 'x-original-forwarded-for', 'x-envoy-external-address', 'x-remote-addr'],
    ...['x-ipa-signature', 'x-ipa-event', 'x-hub-signature-256', 'stripe-signature', 'x-shopify-hmac-sha256'],
  ])('refuse the name %s and say why', async (name) => {
    const { registry } = setUp()
    const [issue, ...others] = await issuesOf(registry.create({ ...input, headers: { [name]: 'x' } }))
    expect(others).toEqual([])
    expect(issue).toEqual({ path: `headers.${name}`, message: expect.stringMatching(/^[a-z].{10,}/) })
    const { id } = await registry.create(input)
    expect(await issuesOf(registry.update(id, { headers: { [name]: 'x' } }))).toEqual([issue])
    expect(await issuesOf(registry.replace(id, { ...input, headers: { [name]: 'x' } }))).toEqual([issue])
  })

  it('take none of the names that our own schemes sign with', () => {
    const names = [standardWebhooks, ipaScheme].flatMap(({ signature, eventId, timestamp, eventType }) => [
      signature.header,
      ...[eventId, timestamp?.place, eventType].flatMap((place) => (place && 'header' in place ? [place.header] : [])),
    ])
    expect(names).toHaveLength(5)
    for (const name of names) expect(problemOfHeaderName(name), name).toMatch(/signature/)
  })

  it.each(['authorization', 'X-Api-Key', 'accept', 'traceparent', 'x-tenant', 'date', "!#$%&'*+-.^_`|~9z"])(
    'take the name %s',
    async (name) => {
      const { registry, valuesOf } = setUp()
      const { id } = await registry.create({ ...input, headers: { [name]: 'x y' } })
      expect(await valuesOf(id)).toEqual({ [name.toLowerCase()]: 'x y' })
    },
  )
})
