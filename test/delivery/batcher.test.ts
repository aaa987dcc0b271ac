import { describe, expect, it } from 'vitest'
import { Batcher } from '../../src/delivery/batcher.ts'

describe('Batcher', () => {
  it('writes what arrives in one turn together, and what arrives meanwhile next', async () => {
    const batches: number[][] = []
    let release = () => {}
    const batcher = new Batcher<number, number>(
      async (items) => {
        batches.push([...items])
        if (batches.length === 1) await new Promise<void>((resolve) => (release = resolve))
        return items.map((item) => item * 10)
      },
      { maxItems: 10 },
    )
    const first = Promise.all([batcher.add(1), batcher.add(2)])
    await Promise.resolve().then(() => Promise.resolve())
    const second = Promise.all([batcher.add(3), batcher.add(4)])
    release()
    expect(await first).toEqual([10, 20])
    expect(await second).toEqual([30, 40])
    expect(batches).toEqual([
      [1, 2],
      [3, 4],
    ])
  })

  it('keeps to the largest batch', async () => {
    const sizes: number[] = []
    const batcher = new Batcher<number, number>(async (items) => (sizes.push(items.length), items), { maxItems: 3 })
    await Promise.all([1, 2, 3, 4, 5, 6, 7].map((item) => batcher.add(item)))
    expect(sizes).toEqual([3, 3, 1])
  })

  it('lets a bad item fail alone', async () => {
    const batcher = new Batcher<number, number>(
      async (items) => {
        if (items.includes(2)) throw new Error('bad item')
        return items
      },
      { maxItems: 10 },
    )
    const results = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)))
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('does not try each item of a large batch against a storage that is away', async () => {
    let writes = 0
    const batcher = new Batcher<number, number>(
      async () => {
        writes++
        throw new Error('away')
      },
      { maxItems: 500 },
    )
    const results = await Promise.allSettled(Array.from({ length: 200 }, (_, item) => batcher.add(item)))
    expect(results.every((result) => result.status === 'rejected')).toBe(true)
    expect(writes).toBe(4)
  })
})
