import { describe, expect, it } from 'vitest'
import { EventDispatcher, memoryStorage, type Storage, WebhookRegistry } from 'posthorn'
import { Settler } from '../../src/delivery/settler.ts'
import type { Settlement } from '../../src/storage/settlement.ts'
import { loopback } from '../support/loopback.ts'
import { overriding } from '../support/overriding.ts'

// What this thread writes itself waits for a few turns: what comes in the turn in which a write has ended belongs to the next one.
describe.each([
  { scope: 'process', sizes: [1, 2] },
  { scope: 'host', sizes: [1, 2] },
  { scope: 'cluster', sizes: [1, 1, 1] },
] as const)('writes that follow each other on a storage of scope $scope', ({ scope, sizes }) => {
  function setUp() {
    const written: number[] = []
    let release = () => {}
    const hold = async (count: number) => {
      written.push(count)
      if (written.length === 1) await new Promise<void>((resolve) => (release = resolve))
    }
    const intact = memoryStorage()
    const storage: Storage = overriding(intact, {
      capabilities: { ...intact.capabilities, scope },
      enqueue: async (events, options) => {
        await hold(events.length)
        return await intact.enqueue(events, options)
      },
      settle: async (settlements) => {
        await hold(settlements.length)
        return settlements.map(({ id }) => ({ id, state: 'succeeded' }))
      },
    })
    return { storage, written, release: () => release() }
  }

  async function inThreeSteps(write: (name: string) => Promise<unknown>, release: () => void): Promise<void> {
    const first = write('1')
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    const second = write('2')
    for (let hop = 0; hop < 50; hop++) await Promise.resolve()
    release()
    await first
    for (let hop = 0; hop < 50; hop++) await Promise.resolve()
    await Promise.all([second, write('3')])
  }

  it('are of these sizes where events are dispatched', async () => {
    const { storage, written, release } = setUp()
    const dispatcher = new EventDispatcher({ registry: new WebhookRegistry({ addresses: loopback, storage }) })
    await inThreeSteps((name) => dispatcher.dispatch('a.b', name), release)
    expect(written).toEqual(sizes)
  })

  it('are of these sizes where deliveries are settled', async () => {
    const { storage, written, release } = setUp()
    const options = { giveUpAfterMs: 1_000, hardStop: new AbortController().signal, onError: () => undefined }
    const settler = new Settler(storage, options)
    const settlement = (id: string): Settlement => ({ id, lease: 'lease', outcome: 'failed', reason: 'test' })
    await inThreeSteps((id) => settler.settle(settlement(id), 'default'), release)
    expect(written).toEqual(sizes)
  })
})
