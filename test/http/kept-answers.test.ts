import { describe, expect, it } from 'vitest'
import { ProcessIdempotency } from '../../src/http/process-idempotency.ts'
import { manualClock } from '../support/clock.ts'

/** Makes keyed requests, and says whether one was run rather than answered from memory. */
function setUp() {
  const clock = manualClock()
  const idempotency = new ProcessIdempotency(clock.now)
  const isRun = async (tenantId: string, key: string, { size = 1, status = 200 } = {}) => {
    const run = async () => new Response('x'.repeat(size), { status })
    const unused = { signal: new AbortController().signal, onUnkept: () => undefined }
    const response = await idempotency.once({ tenantId, key, asked: null, ...unused }, run)
    return response.headers.get('idempotent-replayed') === null
  }
  const many = async (count: number, tenantId: string, options = {}) => {
    for (let n = 0; n < count; n++) await isRun(tenantId, `key-${n}`, options)
  }
  return { clock, isRun, many }
}

describe('the memory of idempotency keys', () => {
  it('is a part for each tenant: who makes many forgets its own, never those of another', async () => {
    const { isRun, many } = setUp()
    await isRun('acme', 'k')
    await many(10_001, 'busy')
    expect(await isRun('acme', 'k')).toBe(false)
    expect(await isRun('busy', 'key-10000')).toBe(false)
    expect(await isRun('busy', 'key-9001')).toBe(false)
    expect(await isRun('busy', 'key-9000')).toBe(true)
  })

  it('is bounded in size: 2 Mi characters of one tenant', async () => {
    const { isRun, many } = setUp()
    await isRun('acme', 'k')
    await many(33, 'large', { size: 65_536 })
    expect(await isRun('large', 'key-1')).toBe(false)
    expect(await isRun('large', 'key-0')).toBe(true)
    expect(await isRun('acme', 'k')).toBe(false)
  })

  it('is bounded in all: 10,000 answers', async () => {
    const { isRun, many } = setUp()
    await isRun('acme', 'k')
    for (let n = 0; n < 10; n++) await many(1_000, `tenant-${n}`)
    expect(await isRun('acme', 'k')).toBe(true)
    expect(await isRun('tenant-0', 'key-1')).toBe(false)
  }, 20_000)

  it('loses nothing to requests that fail', async () => {
    const { isRun, many } = setUp()
    await isRun('acme', 'k')
    await many(1_001, 'acme', { status: 404 })
    expect(await isRun('acme', 'k')).toBe(false)
  })

  it('counts what replaces an old answer once', async () => {
    const { clock, isRun } = setUp()
    for (let day = 0; day < 40; day++) {
      expect(await isRun('acme', 'k', { size: 65_536 })).toBe(true)
      clock.advance(86_400_000)
    }
    await isRun('acme', 'a', { size: 65_536 })
    await isRun('acme', 'b', { size: 65_536 })
    expect(await isRun('acme', 'a')).toBe(false)
  })
})
