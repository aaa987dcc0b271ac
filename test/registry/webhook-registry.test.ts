import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineEvents, memoryStorage, WebhookRegistry, type CreateWebhookInput } from 'posthorn'
import { liveSecrets, secretsOf } from '../../src/registry/sealing.ts'
import { manualClock } from '../support/clock.ts'
import { overriding } from '../support/overriding.ts'

const input: CreateWebhookInput = { name: 'ci', url: 'https://example.com/hook', events: ['execution.*'] }
const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const hourMs = 3_600_000

function setUp() {
  const clock = manualClock()
  const storage = memoryStorage({ clock: clock.now })
  return { clock, storage, registry: new WebhookRegistry({ storage, clock: clock.now }) }
}

const pathsOf = (problem: Promise<unknown>) =>
  problem.then(
    () => expect.fail('nothing was thrown'),
    (error: unknown) => {
      expect(error).toMatchObject({ name: 'PosthornError', code: 'VALIDATION_FAILED' })
      return (error as { issues: { path: string }[] }).issues.map((issue) => issue.path)
    },
  )

describe('WebhookRegistry.create', () => {
  it('fills in what is not given and shows the secret once', async () => {
    const { registry, clock } = setUp()
    const { secret, ...webhook } = await registry.create(input)
    expect(webhook).toEqual({
      id: expect.stringMatching(uuid7),
      tenantId: 'default',
      name: 'ci',
      url: 'https://example.com/hook',
      events: ['execution.*'],
      isActive: true,
      disabledReason: null,
      description: null,
      metadata: {},
      headers: {},
      maxInFlight: 10,
      createdBy: null,
      createdAt: new Date(clock.now()),
      updatedAt: new Date(clock.now()),
    })
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(await registry.get(webhook.id)).toEqual(webhook)
    expect((await registry.list()).data).toEqual([webhook])
    expect(await registry.revealSecret(webhook.id)).toBe(secret)
  })

  it('keeps what is given', async () => {
    const { registry } = setUp()
    const given = {
      ...input,
      isActive: false,
      secret: `whsec_${btoa('x'.repeat(24))}`,
      description: 'for the build',
      metadata: { team: 'core' },
      maxInFlight: 3,
    }
    const webhook = await registry.create(given, { tenantId: 'acme', createdBy: 'ada' })
    expect(webhook).toMatchObject({ ...given, tenantId: 'acme', createdBy: 'ada', disabledReason: 'manual' })
  })

  it.each<[string, unknown, string[]]>([
    ['nothing', undefined, ['']],
    ['an empty object', {}, ['name', 'url', 'events']],
    [
      'everything wrong at once',
      { name: ' ', url: 'x', events: ['a b', 'a', 'a', 5, 5], extra: 1 },
      ['name', 'url', 'events[0]', 'events[2]', 'events[3]', 'events[4]', 'extra'],
    ],
    ['a long name', { ...input, name: 'x'.repeat(101) }, ['name']],
    ['no events', { ...input, events: [] }, ['events']],
    ['51 events', { ...input, events: Array.from({ length: 51 }, (_, n) => `a.b${n}`) }, ['events']],
    ['events as text', { ...input, events: 'a.b' }, ['events']],
    ['the reserved type', { ...input, events: ['webhook.test'] }, ['events[0]']],
    [
      'wrong types',
      { ...input, isActive: 'yes', maxInFlight: 1.5, description: 5 },
      ['isActive', 'description', 'maxInFlight'],
    ],
    ['limits', { ...input, maxInFlight: 1001, description: 'x'.repeat(501) }, ['description', 'maxInFlight']],
    [
      'metadata',
      { ...input, metadata: { a: 1, b: 'x'.repeat(501), ['k'.repeat(41)]: 'v' } },
      ['metadata.a', 'metadata.b', `metadata.${'k'.repeat(41)}`],
    ],
    ['metadata as a list', { ...input, metadata: ['a'] }, ['metadata']],
    ['a prototype key', { ...input, metadata: JSON.parse('{"__proto__": "x"}') }, ['metadata.__proto__']],
    ['a short secret', { ...input, secret: 'whsec_QQ==' }, ['secret']],
    [
      'fields that are not the caller’s',
      { ...input, id: 'x', tenantId: 'other', createdAt: 'now' },
      ['id', 'tenantId', 'createdAt'],
    ],
  ])('refuses %s with every issue and its path', async (_, wrong, paths) => {
    const { registry } = setUp()
    const found = await pathsOf(registry.create(wrong as CreateWebhookInput))
    expect([...found].toSorted()).toEqual([...paths].toSorted())
    expect((await registry.list()).data).toEqual([])
  })

  it('refuses patterns that no type of the catalogue can match', async () => {
    const events = defineEvents({ 'execution.completed': z.object({}) })
    const registry = new WebhookRegistry({ storage: memoryStorage(), events })
    const unknown = ['execution.complete', 'exec.*', '*', 'execution.*', 'execution.completed']
    expect(await pathsOf(registry.create({ ...input, events: unknown }))).toEqual(['events[0]', 'events[1]'])
  })

  it('does not repeat a refused secret or URL in the error', async () => {
    const { registry } = setUp()
    const wrong = { ...input, secret: 'whsec_hunter2', url: 'https://u:hunter3@example.com/?token=hunter4' }
    const error = await registry.create(wrong).catch((problem: unknown) => problem)
    expect(JSON.stringify(error) + String(error)).not.toMatch(/hunter/)
  })

  it('refuses wrong scopes', async () => {
    const { registry } = setUp()
    expect(await pathsOf(registry.create(input, { tenantId: '' }))).toEqual(['tenantId'])
    expect(await pathsOf(registry.create(input, { tenantId: 'x'.repeat(129) }))).toEqual(['tenantId'])
    expect(await pathsOf(registry.create(input, { createdBy: 'x'.repeat(201) }))).toEqual(['createdBy'])
  })

  it('never throws anything but a validation error for any JSON', async () => {
    const { registry } = setUp()
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        expect((await pathsOf(registry.create(JSON.parse(text)))).length).toBeGreaterThan(0)
      }),
      { numRuns: 200 },
    )
  })
})

describe('WebhookRegistry.get, update, delete', () => {
  it('answers a foreign id exactly as a missing one', async () => {
    const { registry } = setUp()
    const { id } = await registry.create(input, { tenantId: 'a' })
    const scope = { tenantId: 'b' }
    const calls = [
      registry.get(id, scope),
      registry.update(id, { name: 'x' }, scope),
      registry.replace(id, input, scope),
      registry.delete(id, scope),
      registry.enable(id, scope),
      registry.disable(id, scope),
      registry.rotateSecret(id, scope),
      registry.revealSecret(id, scope),
      registry.get('not-an-id', { tenantId: 'a' }),
      registry.delete('not-an-id', { tenantId: 'a' }),
    ]
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await registry.get(id, { tenantId: 'a' })).toMatchObject({ name: 'ci', isActive: true })
  })

  it('changes the fields given and nothing else', async () => {
    const { registry, clock } = setUp()
    const { secret, ...webhook } = await registry.create({ ...input, description: 'kept' })
    clock.advance(1000)
    const changed = await registry.update(webhook.id, { name: 'new', events: ['a.b'] })
    expect(changed).toEqual({ ...webhook, name: 'new', events: ['a.b'], updatedAt: new Date(clock.now()) })
    expect(await registry.update(webhook.id, { description: null })).toMatchObject({ description: null, name: 'new' })
    expect(await registry.revealSecret(webhook.id)).toBe(secret)
    expect(await pathsOf(registry.update(webhook.id, JSON.parse('{"secret": "x", "name": ""}')))).toEqual([
      'name',
      'secret',
    ])
  })

  it('replaces every writable field, and keeps the secret', async () => {
    const { registry } = setUp()
    const { id, secret } = await registry.create({
      ...input,
      description: 'gone',
      metadata: { a: 'b' },
      maxInFlight: 3,
    })
    expect(await registry.replace(id, { name: 'new', url: 'https://example.com/', events: ['*'] })).toMatchObject({
      name: 'new',
      description: null,
      metadata: {},
      headers: {},
      maxInFlight: 10,
      isActive: true,
    })
    expect(await pathsOf(registry.replace(id, JSON.parse('{"name": "new"}')))).toEqual(['url', 'events'])
    expect(await registry.revealSecret(id)).toBe(secret)
  })

  it('is gone after delete', async () => {
    const { registry } = setUp()
    const { id } = await registry.create(input)
    await registry.delete(id)
    await expect(registry.get(id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(registry.delete(id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('is disabled and enabled, with the reason', async () => {
    const { registry } = setUp()
    const { id } = await registry.create(input)
    expect(await registry.disable(id)).toMatchObject({ isActive: false, disabledReason: 'manual' })
    expect(await registry.enable(id)).toMatchObject({ isActive: true, disabledReason: null })
    expect(await registry.update(id, { isActive: false })).toMatchObject({ isActive: false, disabledReason: 'manual' })
  })
})

describe('WebhookRegistry.list', () => {
  it('pages through all, newest first, and filters by active', async () => {
    const { registry } = setUp()
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.unshift((await registry.create({ ...input, isActive: n % 2 === 0 })).id)
    const seen: string[] = []
    let cursor: string | null | undefined
    while (cursor !== null) {
      const page = await registry.list({ limit: 2, ...(cursor && { cursor }) })
      seen.push(...page.data.map((webhook) => webhook.id))
      cursor = page.nextCursor
    }
    expect(seen).toEqual(ids)
    expect((await registry.list({ isActive: false })).data.map((webhook) => webhook.id)).toEqual([ids[1], ids[3]])
    expect((await registry.list({ tenantId: 'other' })).data).toEqual([])
  })

  it('refuses a wrong limit and a made-up cursor', async () => {
    const { registry } = setUp()
    for (const limit of [0, 101, 1.5, Number.NaN]) expect(await pathsOf(registry.list({ limit }))).toEqual(['limit'])
    await expect(registry.list({ cursor: 'made-up' })).rejects.toMatchObject({ code: 'CURSOR_INVALID' })
  })
})

describe('WebhookRegistry.rotateSecret', () => {
  it('lets the secret before sign along for 24 hours', async () => {
    const { registry, clock, storage } = setUp()
    const { id, secret } = await registry.create(input)
    const rotated = await registry.rotateSecret(id)
    expect(rotated.secret).not.toBe(secret)
    expect(await registry.revealSecret(id)).toBe(rotated.secret)
    const live = async () => liveSecrets(secretsOf((await storage.getWebhook(id, 'default'))!.sealed), clock.now())
    clock.advance(24 * hourMs - 1)
    expect(await live()).toEqual([rotated.secret, secret])
    clock.advance(1)
    expect(await live()).toEqual([rotated.secret])
  })

  it('revokes every older secret with overlapMs 0', async () => {
    const { registry, clock, storage } = setUp()
    const { id } = await registry.create(input)
    await registry.rotateSecret(id)
    const { secret } = await registry.rotateSecret(id, { overlapMs: 0 })
    expect(liveSecrets(secretsOf((await storage.getWebhook(id, 'default'))!.sealed), clock.now())).toEqual([secret])
  })

  it('keeps five old secrets at most, and says so', async () => {
    const { registry, clock } = setUp()
    const { id } = await registry.create(input)
    for (let n = 0; n < 5; n++) await registry.rotateSecret(id)
    await expect(registry.rotateSecret(id)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('overlapMs'),
    })
    clock.advance(24 * hourMs)
    await registry.rotateSecret(id)
  })

  it('takes the caller’s own secret, and refuses a bad or used one', async () => {
    const { registry } = setUp()
    const { id, secret: first } = await registry.create(input)
    const own = `whsec_${btoa('y'.repeat(32))}`
    expect((await registry.rotateSecret(id, { secret: own })).secret).toBe(own)
    await expect(registry.rotateSecret(id, { secret: 'hunter2' })).rejects.toMatchObject({ code: 'SECRET_INVALID' })
    await expect(registry.rotateSecret(id, { secret: first })).rejects.toMatchObject({ code: 'CONFLICT' })
    for (const overlapMs of [-1, 1.5, 31 * 24 * hourMs])
      expect(await pathsOf(registry.rotateSecret(id, { overlapMs }))).toEqual(['overlapMs'])
  })

  it('loses no secret where rotations race', async () => {
    const { registry, storage, clock } = setUp()
    const { id, secret } = await registry.create(input)
    const rotated = await Promise.all([registry.rotateSecret(id), registry.rotateSecret(id)])
    const live = liveSecrets(secretsOf((await storage.getWebhook(id, 'default'))!.sealed), clock.now())
    expect(live.toSorted()).toEqual([secret, ...rotated.map((webhook) => webhook.secret)].toSorted())
  })
})

describe('the methods of WebhookRegistry', () => {
  it('refuse options that they do not have', async () => {
    const { registry } = setUp()
    const { id } = await registry.create(input)
    const misspelt = JSON.parse('{"tenant": "acme"}')
    const calls = [
      registry.create(input, misspelt),
      registry.get(id, misspelt),
      registry.list(misspelt),
      registry.update(id, {}, misspelt),
      registry.replace(id, input, misspelt),
      registry.delete(id, misspelt),
      registry.enable(id, misspelt),
      registry.disable(id, misspelt),
      registry.rotateSecret(id, misspelt),
      registry.revealSecret(id, misspelt),
    ]
    for (const call of calls) expect(await pathsOf(call)).toEqual(['tenant'])
    expect(await pathsOf(registry.list(JSON.parse('{"isActive": "yes"}')))).toEqual(['isActive'])
    expect(await pathsOf(registry.create(input, JSON.parse('null')))).toEqual([''])
    expect(await registry.list()).toMatchObject({ data: [{ id }] })
  })

  it('refuse text that databases would change', async () => {
    const { registry } = setUp()
    for (const bad of ['a\ud800', 'a\0']) {
      const wrong = { ...input, name: bad, description: bad, metadata: { a: bad } }
      expect(await pathsOf(registry.create(wrong))).toEqual(['name', 'description', 'metadata.a'])
      expect(await pathsOf(registry.create({ ...input, url: `https://example.com/${bad}` }))).toEqual(['url'])
      expect(await pathsOf(registry.create(input, { tenantId: bad }))).toEqual(['tenantId'])
      expect(await pathsOf(registry.create(input, { createdBy: bad }))).toEqual(['createdBy'])
    }
  })

  it('refuse metadata that is not a plain object', async () => {
    const { registry } = setUp()
    const metadata = new Map([['a', 'b']]) as unknown as Record<string, string>
    expect(await pathsOf(registry.create({ ...input, metadata }))).toEqual(['metadata'])
  })
})

describe('WebhookRegistry', () => {
  it('refuses options that it does not have, or of a wrong type', () => {
    const storage = memoryStorage()
    const make = (options: object) => () => new WebhookRegistry({ storage, ...options })
    expect(make({ catalogue: {} })).toThrow(/catalogue/)
    expect(make({ clock: 5 })).toThrow(/clock/)
    expect(make({ events: { 'a.b': z.string() } })).toThrow(/defineEvents/)
  })

  it('needs a storage of contract 1', () => {
    expect(() => new WebhookRegistry(JSON.parse('{}'))).toThrow(/memoryStorage/)
    expect(() => new WebhookRegistry(JSON.parse('{"storage": {"contract": 2}}'))).toThrow(TypeError)
  })

  it('tries again to open a storage that could not be opened', async () => {
    const storage = memoryStorage()
    let isAway = true
    const flaky = overriding(storage, {
      open: async () => {
        if (isAway) throw new Error('away')
        await storage.open()
      },
    })
    const registry = new WebhookRegistry({ storage: flaky })
    await expect(registry.create(input)).rejects.toThrow('away')
    isAway = false
    expect((await registry.create(input)).name).toBe('ci')
  })
})
