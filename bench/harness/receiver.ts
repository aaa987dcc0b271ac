import { Child } from './child.ts'

/** The receiver, in a process of its own. */
export class Receiver {
  readonly #child: Child
  /** Where it listens. */
  readonly url: string

  private constructor(child: Child, url: string) {
    this.#child = child
    this.url = url
  }

  /** Starts one. */
  static async start(): Promise<Receiver> {
    const child = new Child(new URL('receiver-process.ts', import.meta.url))
    return new Receiver(child, await child.call<string>('listen'))
  }

  /** How many requests it answered since the last call. */
  async takeCount(): Promise<number> {
    return await this.#child.call<number>('takeCount')
  }

  /** Begins to measure how long requests were under way. */
  async measureDelays(): Promise<void> {
    await this.#child.call('measureDelays')
  }

  /** What it measured since the last call, in milliseconds. */
  async takeDelays(): Promise<number[]> {
    return await this.#child.call<number[]>('takeDelays')
  }

  /** Ends it. */
  async stop(): Promise<void> {
    await this.#child.stop()
  }
}
