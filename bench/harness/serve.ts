import type { Answer, Request } from './child.ts'

/** What a child process can be asked. */
export type Methods = Readonly<Record<string, (argument: never) => unknown>>

/** Answers the parent's calls, until it closes the channel. */
export function serve(methods: Methods, close: () => Promise<void> = async () => {}): void {
  process.on('message', (request: Request) => void answer(methods, request))
  // Ctrl-C reaches every process of the terminal; the parent says when it is over.
  process.on('SIGINT', () => {})
  process.on('disconnect', () => {
    // Whatever is still open must not keep a child alive whose parent is gone.
    setTimeout(() => process.exit(1), 60_000).unref()
    void close().finally(() => process.exit())
  })
}

async function answer(methods: Methods, { id, method, argument }: Request): Promise<void> {
  send(await resultOf(id, async () => await methods[method]?.(argument as never))) // the parent's caller knows the method
}

async function resultOf(id: number, work: () => Promise<unknown>): Promise<Answer> {
  try {
    return { id, result: await work() }
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

function send(message: Answer): void {
  if (process.connected) process.send?.(message)
}
