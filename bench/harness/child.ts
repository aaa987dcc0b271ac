import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What goes from parent to child. */
export interface Request {
  readonly id: number
  readonly method: string
  readonly argument: unknown
}

/** What comes back. */
export interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

const living = new Set<Child>()
// However the run ends, no child outlives it.
process.on('exit', () => living.forEach((child) => child.kill()))

/** Ends every child, so that each removes what it made. */
export async function stopChildren(): Promise<void> {
  await Promise.all([...living].map((child) => child.stop()))
}

const selfReference = new URL('self-reference.ts', import.meta.url).href

/** A process of its own that is asked over a channel, and ends with this one. */
export class Child {
  readonly #process: ChildProcess
  readonly #name: string
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  /** Starts `module`, which calls `serve`. */
  constructor(module: URL, nodeFlags: readonly string[] = []) {
    this.#name = module.pathname.split('/').at(-1) ?? ''
    this.#process = fork(fileURLToPath(module), [], {
      execArgv: ['--no-warnings', '--import', selfReference, ...nodeFlags],
      serialization: 'advanced',
    })
    living.add(this)
    this.#process.on('message', (answer: Answer) => this.#settle(answer))
    this.#process.on('error', (error) => this.#fail(error))
    this.#process.on('exit', (code, signal) => {
      living.delete(this)
      this.#fail(new Error(`The process of ${this.#name} ended (${signal ?? code}).`))
    })
  }

  /** Calls a method over there; rejects with what it threw, when the process ends, or after `timeoutMs`. */
  async call<Result>(method: string, argument: unknown = null, timeoutMs = 300_000): Promise<Result> {
    const id = ++this.#lastId
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<Result>((resolve, reject) => {
        this.#waiting.set(id, { resolve: (result) => resolve(result as Result), reject }) // the method says what it answers
        timer = setTimeout(
          () => reject(new Error(`${this.#name} ${method} took over ${timeoutMs / 1000} s.`)),
          timeoutMs,
        )
        this.#process.send({ id, method, argument } satisfies Request)
      })
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  /** Lets the process end by itself, and ends it after `timeoutMs`. */
  async stop(timeoutMs = 60_000): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = new Promise<void>((resolve) => this.#process.once('exit', () => resolve()))
    if (this.#process.connected) this.#process.disconnect()
    const timer = setTimeout(() => this.kill(), timeoutMs)
    await ended
    clearTimeout(timer)
  }

  /** Ends the process at once. */
  kill(): void {
    this.#process.kill('SIGKILL')
  }

  #settle({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(`${this.#name}: ${error}`))
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
  }
}
