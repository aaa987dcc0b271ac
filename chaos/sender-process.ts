import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { atExit } from './cleanup.ts'
import type { SenderTask } from './sender-task.ts'

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One process that dispatches and delivers, from its start to its end. */
export class SenderProcess {
  /** Resolves when it has loaded everything and waits for its task. */
  readonly ready: Promise<void>
  /** Resolves when all that it has ever told is read and it has ended. */
  readonly ended: Promise<Exit>
  readonly #child: ChildProcess
  readonly #onAccepted: (n: number, id: string) => void
  readonly #waiting = new Set<{ readonly count: number; readonly resolve: () => void }>()
  #accepted = 0
  #lost = 0
  #isEnded = false
  #tellReady!: () => void

  constructor(program: SenderProgram, onAccepted: (n: number, id: string) => void) {
    this.#onAccepted = onAccepted
    this.#child = program.start()
    this.ready = new Promise((resolve) => (this.#tellReady = resolve))
    // `close` comes after the last line, `exit` may come before it.
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#isEnded = true
      return { code, signal } // what `close` is emitted with
    })
    if (this.#child.stdout === null) throw new Error('A sender has an output.')
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(line))
  }

  /** How many deliveries it found to be in other hands when it was to write what it had met. */
  get lost(): number {
    return this.#lost
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Resolves when this many of its events were accepted. */
  acceptedAtLeast(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add({ count, resolve })
      this.#tellWaiting()
    })
  }

  async begin(task: SenderTask): Promise<void> {
    await this.ready
    this.#child.stdin?.write(`${JSON.stringify(task)}\n`)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends it for good, frozen or not. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  #hear(line: string): void {
    if (line === 'ready') return this.#tellReady()
    if (line === 'lost') {
      this.#lost++
      return
    }
    const [sign, n, id] = line.split(' ')
    // The last line of a killed process may be half of one.
    if (sign !== '+' || id?.length !== 36) return
    this.#onAccepted(Number(n), id)
    this.#accepted++
    this.#tellWaiting()
  }

  #tellWaiting(): void {
    for (const waiting of this.#waiting) {
      if (this.#accepted < waiting.count) continue
      this.#waiting.delete(waiting)
      waiting.resolve()
    }
  }
}

/** The program of the senders in one file with a compile cache, as hundreds of them are started. */
export class SenderProgram {
  readonly #folder: string
  readonly #forget: () => void

  private constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'posthorn-sender-'))
    this.#forget = atExit(() => rmSync(this.#folder, { recursive: true, force: true }))
  }

  static async create(): Promise<SenderProgram> {
    const program = new SenderProgram()
    await build({
      entryPoints: [fileURLToPath(new URL('./sender.ts', import.meta.url))],
      outfile: program.#path,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      external: ['pg-native', 'cloudflare:sockets'],
      logLevel: 'error',
    })
    // The cache is written by a process that ends by itself.
    const child = program.start()
    child.stdin?.end()
    await once(child, 'close')
    return program
  }

  start(): ChildProcess {
    const env = { ...process.env, NODE_COMPILE_CACHE: join(this.#folder, 'cache') }
    return spawn(process.execPath, ['--no-warnings', this.#path], { stdio: ['pipe', 'pipe', 'inherit'], env })
  }

  remove(): void {
    this.#forget()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #path(): string {
    return join(this.#folder, 'sender.cjs')
  }
}
