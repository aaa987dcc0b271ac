import { randomBytes } from 'node:crypto'
import { keyring, WebhookRegistry, EventDispatcher, memoryStorage } from 'posthorn'
import { createWebhookApi } from 'posthorn/http'
import { describe, expect, it } from 'vitest'
import { buildApi, expectProblem, input, type Answer } from './api-fixture.ts'

type Call = ReturnType<typeof buildApi>['call']

async function threeWebhooks(call: Call, tenant = 'acme'): Promise<string[]> {
  const ids = []
  for (const name of ['a', 'b', 'c']) {
    ids.push((await call('POST', '/webhooks', input({ name }), { 'x-tenant': tenant })).body.id)
  }
  return ids
}

const list = async (call: Call, query: string, tenant = 'acme'): Promise<Answer> =>
  await call('GET', `/webhooks?limit=1${query}`, undefined, { 'x-tenant': tenant })

describe('the cursors of the management API', () => {
  it('lead through every page, whatever its size, and are no ids', async () => {
    const { call } = buildApi()
    const ids = await threeWebhooks(call)
    const first = await list(call, '')
    expect(first.body.nextCursor).toMatch(/^[\w-]+\.[\w-]{22}$/)
    expect(first.body.nextCursor).not.toContain(ids[2])
    const rest = await call('GET', `/webhooks?limit=5&cursor=${first.body.nextCursor}`)
    expect(rest.body.data.map(({ id }) => id)).toEqual([ids[1], ids[0]])
    expect(rest.body.nextCursor).toBeNull()
  })

  it('are those of one tenant', async () => {
    const { call } = buildApi()
    await threeWebhooks(call)
    await threeWebhooks(call, 'other')
    const { nextCursor } = (await list(call, '')).body
    expectProblem(await list(call, `&cursor=${nextCursor}`, 'other'), 422, 'CURSOR_INVALID')
    expect((await list(call, `&cursor=${nextCursor}`)).status).toBe(200)
  })

  it('are those of one filter and one listing', async () => {
    const { call, dispatcher } = buildApi()
    const [id, other] = await threeWebhooks(call)
    for (let n = 0; n < 2; n++) await dispatcher.dispatch('execution.completed', {}, { tenantId: 'acme' })
    const { nextCursor } = (await list(call, '&isActive=true')).body
    expectProblem(await list(call, `&cursor=${nextCursor}`), 422, 'CURSOR_INVALID')
    expectProblem(await list(call, `&isActive=false&cursor=${nextCursor}`), 422, 'CURSOR_INVALID')
    const deliveries = await call('GET', `/webhooks/${id}/deliveries?limit=1&state=pending`)
    const cursor = deliveries.body.nextCursor
    const paths = [`/webhooks/${id}/deliveries?`, `/webhooks/${id}/deliveries?state=failed&`, `/webhooks?`]
    for (const path of [...paths, `/webhooks/${other}/deliveries?state=pending&`]) {
      expectProblem(await call('GET', `${path}cursor=${cursor}`), 422, 'CURSOR_INVALID')
    }
    expect((await call('GET', `/webhooks/${id}/deliveries?state=pending&cursor=${cursor}`)).body.data).toHaveLength(1)
  })

  it('are refused where one character was changed, added or left out', async () => {
    const { call } = buildApi()
    const [id] = await threeWebhooks(call)
    const { nextCursor: cursor } = (await list(call, '')).body
    const changed = [...cursor].map(
      (character, at) => cursor.slice(0, at) + (character === 'A' ? 'B' : 'A') + cursor.slice(at + 1),
    )
    const forged = [
      ...changed,
      `${cursor}A`,
      `${cursor}.`,
      cursor.slice(1),
      cursor.slice(0, -1),
      `${cursor}=`,
      String(id),
      '.',
      'x.y',
    ]
    for (const text of forged) {
      expectProblem(await list(call, `&cursor=${encodeURIComponent(text)}`), 422, 'CURSOR_INVALID')
    }
  })

  it('are the same for every process that has the key, or the keyring, or neither', async () => {
    const storage = memoryStorage()
    const [k1, k2] = [randomBytes(32), randomBytes(32)]
    const cursorKey = 'a key of thirty-two characters..'
    await threeWebhooks(buildApi({ storage }).call)
    const apis = {
      none: () => buildApi({ storage }).call,
      key: () => buildApi({ storage, cursorKey }).call,
      old: () => withKeyring({ k1 }),
      both: () => withKeyring({ k1, k2 }),
      other: () => withKeyring({ k2: randomBytes(32) }),
    }
    function withKeyring(keys: Record<string, Uint8Array>): Call {
      const registry = new WebhookRegistry({ storage, encryption: keyring(keys) })
      return buildApi({ storage, registry, dispatcher: new EventDispatcher({ registry }) }).call
    }
    const statusOf = async (from: keyof typeof apis, to: keyof typeof apis) =>
      (await list(apis[to](), `&cursor=${(await list(apis[from](), '')).body.nextCursor}`)).status
    expect(await statusOf('none', 'none')).toBe(200)
    expect(await statusOf('key', 'key')).toBe(200)
    expect(await statusOf('old', 'both')).toBe(200)
    expect(await statusOf('both', 'old')).toBe(422)
    expect(await statusOf('old', 'other')).toBe(422)
    expect(await statusOf('none', 'key')).toBe(422)
  })

  it('need a key of 32 bytes where one is given', () => {
    const registry = new WebhookRegistry({ storage: memoryStorage() })
    const options = { registry, dispatcher: new EventDispatcher({ registry }), authorize: 'none' as const }
    expect(() => createWebhookApi({ ...options, cursorKey: 'short' })).toThrow(RangeError)
    expect(() => createWebhookApi({ ...options, cursorKey: new Uint8Array(31) })).toThrow(/cursorKey/)
    expect(() => createWebhookApi({ ...options, cursorKey: 5 as never })).toThrow(TypeError)
  })

  it.each([[[]], [[new Uint8Array()]], [[new Uint8Array(32), 'x'.repeat(32)]], [null]])(
    'are not signed with what deriveKeys of an encryption must not answer: %j',
    (keys) => {
      const encryption = {
        seal: (text: string) => text,
        open: (text: string) => text,
        isCurrent: () => true,
        deriveKeys: () => keys as Uint8Array[],
      }
      expect(() => buildApi({ encryption })).toThrow(/deriveKeys must answer/)
    },
  )
})
