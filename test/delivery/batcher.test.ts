import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PosthornError } from 'posthorn'
import { Batcher } from '../../src/delivery/batcher.ts'

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

// A busy machine has long turns; here only a test makes them so.
let nowMs = 0
beforeEach(() => {
  nowMs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
})
afterEach(() => {
  vi.restoreAllMocks()
})

/** A batcher whose first write ends when it is released; its answers are ten times the items. */
function held({ isLocal = false } = {}) {
  const batches: number[][] = []
  let release = () => {}
  const batcher = new Batcher<number, number>(
    async (items) => {
      batches.push([...items])
      if (batches.length === 1) await new Promise<void>((resolve) => (release = resolve))
      return items.map((item) => item * 10)
    },
    { maxSize: 10, isLocal },
  )
  return { batcher, batches, release: () => release() }
}

describe('Batcher', () => {
  it('writes what arrives in one turn together, and what arrives meanwhile next', async () => {
    const { batcher, batches, release } = held()
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

  it.each([
    { isLocal: false, expected: [[1], [2], [3]] },
    { isLocal: true, expected: [[1], [2, 3]] },
  ])('begins what follows with $expected where it is local: $isLocal', async (parts) => {
    const { isLocal, expected } = parts
    const { batcher, batches, release } = held({ isLocal })
    const first = batcher.add(1)
    await turns(20)
    const second = batcher.add(2)
    release()
    await first
    for (let hop = 0; hop < 10; hop++) await Promise.resolve()
    await Promise.all([second, batcher.add(3)])
    expect(batches).toEqual(expected)
  })

  it.each([
    { isLocal: false, sizes: [1, 1, 1, 1] },
    { isLocal: true, sizes: [4] },
  ])('writes one item a turn in batches of $sizes where it is local: $isLocal', async ({ isLocal, sizes }) => {
    const batches: number[] = []
    const write = async (items: readonly number[]) => (batches.push(items.length), items)
    const batcher = new Batcher<number, number>(write, { maxSize: 10, isLocal })
    const added: Promise<number>[] = []
    for (let item = 0; item < 4; item++) {
      added.push(batcher.add(item))
      await turns(1)
    }
    await Promise.all(added)
    expect(batches).toEqual(sizes)
  })

  it('writes with other local batchers in one turn, whenever they began', async () => {
    const writtenIn: number[] = []
    let turn = 0
    const write = async (items: readonly number[]) => (writtenIn.push(turn), items)
    const batchers = [1, 2].map(() => new Batcher<number, number>(write, { maxSize: 10, isLocal: true }))
    const added: Promise<number>[] = []
    for (const offset of [3, 5]) {
      for (const batcher of batchers) {
        added.push(batcher.add(turn))
        for (let count = 0; count < offset; count++, turn++) await turns(1)
      }
      for (let count = 0; count < 20; count++, turn++) await turns(1)
    }
    await Promise.all(added)
    expect(writtenIn).toHaveLength(4)
    expect(writtenIn[1]).toBe(writtenIn[0])
    expect(writtenIn[3]).toBe(writtenIn[2])
  })

  it('waits for one turn only where turns are long', async () => {
    const batches: number[] = []
    const write = async (items: readonly number[]) => (batches.push(items.length), items)
    const batcher = new Batcher<number, number>(write, { maxSize: 10, isLocal: true })
    const added: Promise<number>[] = []
    for (let item = 0; item < 3; item++) {
      added.push(batcher.add(item))
      nowMs += 5
      await turns(1)
    }
    await Promise.all(added)
    expect(batches).toEqual([1, 1, 1])
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
