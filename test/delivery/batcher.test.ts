import { describe, expect, it } from 'vitest'
import { PosthornError } from 'posthorn'
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
      { maxSize: 10 },
    )
    const first = Promise.all([batcher.add(1), batcher.add(2)])
    await new Promise((resolve) => setImmediate(resolve))
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
    const batcher = new Batcher<number, number>(async (items) => (sizes.push(items.length), items), { maxSize: 3 })
    await Promise.all([1, 2, 3, 4, 5, 6, 7].map((item) => batcher.add(item)))
    expect(sizes).toEqual([3, 3, 1])
  })

  it('lets a bad item fail alone', async () => {
    const batcher = new Batcher<number, number>(
      async (items) => {
        if (items.includes(2)) throw new Error('bad item')
        return items
      },
      { maxSize: 10 },
    )
    const results = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)))
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('bounds a batch by the size of its items, and takes one that is larger alone', async () => {
    const batches: number[][] = []
    const write = async (items: readonly number[]) => (batches.push([...items]), items)
    const batcher = new Batcher<number, number>(write, { maxSize: 10, sizeOf: (item) => item })
    await Promise.all([4, 4, 4, 50, 1, 9].map((item) => batcher.add(item)))
    expect(batches).toEqual([[4, 4], [4], [50], [1, 9]])
  })

  it('does not write two items with the same key at once', async () => {
    const batches: string[][] = []
    const write = async (items: readonly string[]) => (batches.push([...items]), items)
    const batcher = new Batcher<string, string>(write, { maxSize: 10, keyOf: (item) => item })
    await Promise.all(['a', 'b', 'a', 'c'].map((item) => batcher.add(item)))
    expect(batches).toEqual([
      ['a', 'b'],
      ['a', 'c'],
    ])
  })

  it('lets any number of bad items fail alone, each with its own error', async () => {
    const write = async (items: readonly number[]) => {
      const bad = items.find((item) => item < 0)
      if (bad !== undefined) throw new PosthornError('CONFLICT', `bad ${bad}`)
      return items
    }
    const batcher = new Batcher<number, number>(write, { maxSize: 10 })
    const results = await Promise.allSettled([-1, -2, -3, -4, 5].map((item) => batcher.add(item)))
    const outcomes = results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.message))
    expect(outcomes).toEqual(['bad -1', 'bad -2', 'bad -3', 'bad -4', 5])
  })

  it('does not try each item of a large batch against a storage that is away', async () => {
    let writes = 0
    const batcher = new Batcher<number, number>(
      async () => {
        writes++
        throw new Error('away')
      },
      { maxSize: 500 },
    )
    const results = await Promise.allSettled(Array.from({ length: 200 }, (_, item) => batcher.add(item)))
    expect(results.every((result) => result.status === 'rejected')).toBe(true)
    expect(results.at(-1)).toMatchObject({ reason: { code: 'STORAGE_FAILED' } })
    expect(writes).toBe(4)
  })

  it('does not ask a storage that gives no answer once for each item', async () => {
    let writes = 0
    const batcher = new Batcher<number, number>(
      async () => {
        writes++
        throw new PosthornError('STORAGE_UNAVAILABLE', 'no answer')
      },
      { maxSize: 10 },
    )
    const answers = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)))
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(writes).toBe(1)
  })
})
