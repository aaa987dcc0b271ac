import { randomUUID } from 'node:crypto'
import { serve } from '../harness/serve.ts'
import type { libraryNames } from './library-names.ts'
import { libraries } from './libraries.ts'
import type { Library, Message } from './library.ts'

/** What is measured. */
export interface Task {
  readonly operation: 'sign' | 'verify' | 'parse'
  /** Size of the body in bytes. */
  readonly size: number
  /** How long to go on, in milliseconds of CPU time. */
  readonly forMs: number
}

let library: Library | undefined

serve({
  create: async (name: (typeof libraryNames)[number]) => {
    library = await libraries[name]()
  },
  /** Answers how often in a second of CPU time it is done, one after the other; null where the library does not do it. */
  measure: async ({ operation, size, forMs }: Task): Promise<number | null> => {
    if (library === undefined) throw new Error('measure comes after create.')
    const message = createMessage(size)
    const work = library[operation]
    return work === undefined ? null : await repeat(work, message, await library.sign(message), forMs)
  },
})

type Work = (message: Message, headers: Record<string, string>) => unknown

// By the time on the CPU, so that whatever else the machine does is not counted.
async function repeat(work: Work, message: Message, headers: Record<string, string>, forMs: number): Promise<number> {
  const started = process.cpuUsage()
  let count = 0
  for (;;) {
    // The clock is read now and then only, for it costs as much as a short signature.
    for (let index = 0; index < 20; index++) {
      const result = work(message, headers)
      if (result instanceof Promise) await result
    }
    count += 20
    const { user, system } = process.cpuUsage(started)
    const spentMs = (user + system) / 1000
    if (spentMs >= forMs) return (count / spentMs) * 1000
  }
}

function createMessage(size: number): Message {
  const id = randomUUID()
  const items: unknown[] = []
  const text = () => JSON.stringify({ id, type: 'invoice.paid', items })
  while (text().length < size - 60) {
    items.push({ description: 'Seats of the team plan', quantity: items.length, amount: 21_650 })
  }
  const body = text()
  return { id, text: body, bytes: Buffer.from(body) }
}
