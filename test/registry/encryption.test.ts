import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { keyring, memoryStorage, PosthornError, WebhookRegistry, type Encryption, type StoredWebhook } from 'posthorn'
import { SecretText } from '../../src/domain/secret-text.ts'
import { overriding } from '../support/overriding.ts'

const input = { name: 'ci', url: 'https://example.com/hook', events: ['a.*'] }
const [key1, key2] = [randomBytes(32), randomBytes(32)]

const sealedOf = async (storage: ReturnType<typeof memoryStorage>, id: string, tenantId = 'default') =>
  (await storage.getWebhook(id, tenantId))!.sealed

afterEach(() => vi.unstubAllEnvs())

describe('the encryption of a WebhookRegistry', () => {
  it('must be chosen in production', () => {
    vi.stubEnv('NODE_ENV', 'production')
    const storage = memoryStorage()
    expect(() => new WebhookRegistry({ storage })).toThrow(TypeError)
    expect(() => new WebhookRegistry({ storage })).toThrow(/encryption: 'none'/)
    expect(() => new WebhookRegistry({ storage, encryption: undefined as never })).toThrow(/encryption/)
    expect(new WebhookRegistry({ storage, encryption: 'none' }).encryption).toBe('none')
    expect(new WebhookRegistry({ storage, encryption: keyring({ k1: key1 }) })).toBeDefined()
  })

  it('is none elsewhere unless given', () => {
    vi.stubEnv('NODE_ENV', 'development')
    expect(new WebhookRegistry({ storage: memoryStorage() }).encryption).toBe('none')
  })

  it.each([[null], ['aes'], [{}], [{ seal() {}, open() {} }], [{ k1: key1 }]])('refuses %o', (encryption) => {
    const make = () => new WebhookRegistry({ storage: memoryStorage(), encryption: encryption as never })
    expect(make).toThrow(/encryption must be keyring/)
  })

  it('seals secrets and header values for their webhook, and gives them back', async () => {
    const storage = memoryStorage()
    const registry = new WebhookRegistry({ storage, encryption: keyring({ k1: key1 }) })
    const headers = { authorization: 'Bearer 0123456789' }
    const one = await registry.create({ ...input, headers })
    const other = await registry.create(input)
    const sealed = await sealedOf(storage, one.id)
    expect(JSON.parse(sealed)).toEqual({ v: 2, box: expect.stringMatching(/^a256gcm:k1:/), headers: ['authorization'] })
    expect(sealed).not.toContain(one.secret.slice(6))
    expect(await registry.revealSecret(one.id)).toBe(one.secret)

    // A row that somebody copied over another one's does not open.
    await storage.updateWebhook(other.id, 'default', { sealed })
    await expect(registry.revealSecret(other.id)).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' })
  })

  it('keeps rows in clear readable, and seals them at the next change', async () => {
    const storage = memoryStorage()
    const clear = await new WebhookRegistry({ storage }).create({ ...input, headers: { 'x-key': 'value-in-clear' } })
    const registry = new WebhookRegistry({ storage, encryption: keyring({ k1: key1 }) })
    expect(await registry.revealSecret(clear.id)).toBe(clear.secret)
    await registry.rotateSecret(clear.id)
    const sealed = await sealedOf(storage, clear.id)
    expect(sealed).toContain('a256gcm:k1:')
    expect(sealed).not.toContain('value-in-clear')
    expect(await registry.get(clear.id)).toMatchObject({ headers: { 'x-key': '[redacted]' } })
  })

  it('answers reads that show no secret without opening anything', async () => {
    const storage = memoryStorage()
    const { id } = await new WebhookRegistry({ storage, encryption: keyring({ k1: key1 }) }).create({
      ...input,
      headers: { 'X-Key': 'a value' },
    })
    const registry = new WebhookRegistry({ storage, encryption: 'none' })
    expect(await registry.get(id)).toMatchObject({ headers: { 'x-key': '[redacted]' } })
    expect((await registry.list()).data).toMatchObject([{ headers: { 'x-key': '[redacted]' } }])
    expect(await registry.update(id, { name: 'renamed' })).toMatchObject({ name: 'renamed' })
    await expect(registry.revealSecret(id)).rejects.toMatchObject({ code: 'ENCRYPTION_KEY_UNKNOWN' })
    await expect(registry.rotateSecret(id)).rejects.toMatchObject({ code: 'ENCRYPTION_KEY_UNKNOWN' })
    await expect(registry.update(id, { headers: null })).rejects.toMatchObject({ code: 'ENCRYPTION_KEY_UNKNOWN' })
  })

  it('starts anew with overlapMs 0 where what is stored cannot be read, and only there', async () => {
    const storage = memoryStorage()
    const registry = new WebhookRegistry({ storage, encryption: keyring({ k1: key1 }) })
    const { id } = await registry.create({ ...input, headers: { 'x-key': 'lost' } })
    await storage.updateWebhook(id, 'default', { sealed: 'damaged' })
    expect(await registry.get(id)).toMatchObject({ headers: {} })
    await expect(registry.rotateSecret(id)).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' })
    const { secret } = await registry.rotateSecret(id, { overlapMs: 0 })
    expect(await registry.revealSecret(id)).toBe(secret)
  })

  it('asks a KMS, and tells its failures from rows that cannot be read', async () => {
    const storage = memoryStorage()
    const kms = { isAway: false }
    const encryption: Encryption = {
      async seal(text, context) {
        if (kms.isAway) throw new Error('connect ECONNREFUSED')
        return `kms:${Buffer.from(JSON.stringify([text, context])).toString('base64')}`
      },
      async open(sealed, context) {
        if (kms.isAway) throw new Error('connect ECONNREFUSED')
        const [text, sealedFor] = JSON.parse(Buffer.from(sealed.slice(4), 'base64').toString()) as [string, unknown]
        expect(sealedFor).toEqual(context)
        return text
      },
      isCurrent: (sealed) => sealed.startsWith('kms:'),
    }
    const registry = new WebhookRegistry({ storage, encryption })
    const { id, secret } = await registry.create(input, { tenantId: 'acme' })
    expect(await registry.revealSecret(id, { tenantId: 'acme' })).toBe(secret)
    kms.isAway = true
    const away = { code: 'ENCRYPTION_UNAVAILABLE', cause: expect.objectContaining({ message: expect.any(String) }) }
    await expect(registry.revealSecret(id, { tenantId: 'acme' })).rejects.toMatchObject(away)
    await expect(registry.create(input)).rejects.toMatchObject(away)
    const broken = new WebhookRegistry({ storage, encryption: { ...encryption, open: () => 5 as never } })
    await expect(broken.revealSecret(id, { tenantId: 'acme' })).rejects.toMatchObject({
      code: 'ENCRYPTION_UNAVAILABLE',
    })
  })

  it('waits 10 s for a KMS and no longer', async () => {
    vi.useFakeTimers()
    try {
      const silent: Encryption = { seal: () => new Promise(() => {}), open: () => '', isCurrent: () => true }
      const creating = new WebhookRegistry({ storage: memoryStorage(), encryption: silent }).create(input)
      const refused = creating.catch((error: unknown) => error)
      await vi.advanceTimersByTimeAsync(10_000)
      expect(await refused).toMatchObject({ code: 'ENCRYPTION_UNAVAILABLE' })
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('WebhookRegistry.reseal', () => {
  async function setUp(count: number) {
    const storage = memoryStorage()
    const clear = new WebhookRegistry({ storage })
    const old = new WebhookRegistry({ storage, encryption: keyring({ k1: key1 }) })
    const created = []
    for (let n = 0; n < count; n++) {
      const tenantId = n % 2 === 0 ? 'acme' : 'umbrella'
      created.push(
        await (n % 3 === 0 ? clear : old).create({ ...input, headers: { 'x-n': `value ${n}` } }, { tenantId }),
      )
    }
    const ring = keyring({ k1: key1, k2: key2 })
    return { storage, created, ring, registry: new WebhookRegistry({ storage, encryption: ring }) }
  }

  it('seals the webhooks of all tenants with the newest key, chunk by chunk', async () => {
    const { storage, created, registry } = await setUp(7)
    const first = await registry.reseal({ limit: 3 })
    expect(first).toMatchObject({ seen: 3, resealed: 3, unreadable: [], nextCursor: created[2]!.id })
    const second = await registry.reseal({ limit: 3, cursor: first.nextCursor! })
    const last = await registry.reseal({ limit: 3, cursor: second.nextCursor! })
    expect([second.resealed, last.resealed, last.nextCursor]).toEqual([3, 1, null])
    const newest = new WebhookRegistry({ storage, encryption: keyring({ k2: key2 }) })
    for (const { id, tenantId, secret, updatedAt } of created) {
      expect(await newest.revealSecret(id, { tenantId })).toBe(secret)
      expect((await storage.getWebhook(id, tenantId))!.updatedAt).toEqual(updatedAt)
    }
    expect(await registry.reseal()).toMatchObject({ seen: 7, resealed: 0, nextCursor: null })
  })

  it('names what it cannot open and goes on', async () => {
    const { storage, created, registry } = await setUp(4)
    await storage.updateWebhook(created[1]!.id, 'umbrella', { sealed: 'damaged' })
    const foreign = new WebhookRegistry({ storage, encryption: keyring({ k9: randomBytes(32) }) })
    const { id } = await foreign.create(input)
    expect(await registry.reseal()).toMatchObject({ seen: 5, resealed: 3, unreadable: [created[1]!.id, id] })
  })

  it('keeps a change that was quicker', async () => {
    const { storage, created, ring } = await setUp(1)
    const [{ id, tenantId }] = created as [(typeof created)[0]]
    let secret = ''
    const rival = new WebhookRegistry({ storage, encryption: keyring({ k1: key1 }) })
    const racing = overriding(storage, {
      updateWebhook: async (...call) => {
        if (secret === '') ({ secret } = await rival.rotateSecret(id, { tenantId, overlapMs: 0 }))
        return await storage.updateWebhook(...call)
      },
    })
    const registry = new WebhookRegistry({ storage: racing, encryption: ring })
    expect(await registry.reseal()).toMatchObject({ resealed: 1 })
    expect(await registry.revealSecret(id, { tenantId })).toBe(secret)
    expect(await sealedOf(storage, id, tenantId)).toContain('a256gcm:k2:')
  })

  it('passes over what was deleted meanwhile, ends at its signal, and throws where a KMS is away', async () => {
    const { storage, created, ring, registry } = await setUp(2)
    const deleting = overriding(storage, {
      updateWebhook: async (id, tenantId) => {
        await storage.deleteWebhook(id, tenantId)
        return null
      },
    })
    const late = new WebhookRegistry({ storage: deleting, encryption: ring })
    expect(await late.reseal({ limit: 1 })).toMatchObject({ seen: 1, resealed: 0, nextCursor: created[0]!.id })
    await expect(registry.reseal({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
    const away: Encryption = {
      ...ring,
      seal: () => Promise.reject(new Error('away')),
      open: ring.open.bind(ring),
      isCurrent: () => false,
    }
    const stopped = new WebhookRegistry({ storage, encryption: away })
    await expect(stopped.reseal()).rejects.toMatchObject({ code: 'ENCRYPTION_UNAVAILABLE' })
  })

  it('refuses wrong options, and a registry without encryption', async () => {
    const { registry, storage } = await setUp(0)
    for (const limit of [0, 1_001, 1.5, '5']) {
      await expect(registry.reseal({ limit: limit as number })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
    }
    await expect(registry.reseal({ cursor: 'x' })).rejects.toMatchObject({ code: 'CURSOR_INVALID' })
    await expect(registry.reseal({ tenantId: 'a' } as never)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
    await expect(new WebhookRegistry({ storage }).reseal()).rejects.toThrow(TypeError)
  })
})

describe('a secret inside the registry', () => {
  it('is held as what prints as [secret]', async () => {
    const { secretsOf } = await import('../../src/registry/sealing.ts')
    const storage = memoryStorage()
    const { id } = await new WebhookRegistry({ storage }).create({ ...input, headers: { 'x-key': 'hidden' } })
    const stored: StoredWebhook = (await storage.getWebhook(id, 'default'))!
    const { keys, headers } = secretsOf(stored.sealed)
    expect([keys[0]?.secret, headers['x-key']].every((each) => each instanceof SecretText)).toBe(true)
    expect(JSON.stringify({ keys, headers })).toBe(
      '{"keys":[{"secret":"[secret]","expiresAt":null}],"headers":{"x-key":"[secret]"}}',
    )
  })

  it('is not quoted by what cannot read it', async () => {
    const { secretsOf } = await import('../../src/registry/sealing.ts')
    for (const text of [
      'whsec_hidden',
      '{"v":1,"keys":["whsec_hidden"]}',
      '{"v":3,"secret":"whsec_hidden"}',
      '{"v":2,"box":5}',
    ]) {
      const reading = () => secretsOf(text)
      expect(reading).toThrow(PosthornError)
      expect(reading).not.toThrow(/hidden/)
    }
  })
})
