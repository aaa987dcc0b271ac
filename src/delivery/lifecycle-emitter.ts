import type { LifecycleEvents, LifecycleListener } from '../domain/lifecycle.ts'

/** Keeps listeners by name and shields the pipeline from them. */
export class LifecycleEmitter {
  readonly #listeners = new Map<keyof LifecycleEvents, Set<(event: never) => unknown>>()

  /** Adds a listener; the function returned removes it. */
  on<Name extends keyof LifecycleEvents>(name: Name, listener: LifecycleListener<Name>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

  /** Says whether anybody listens, so that no event is built for nobody. */
  has(name: keyof LifecycleEvents): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0
  }

  /** Tells every listener, in the order they were added. Never throws. */
  emit<Name extends keyof LifecycleEvents>(name: Name, event: LifecycleEvents[Name]): void {
    const listeners = this.#listeners.get(name)
    if (listeners === undefined || listeners.size === 0) {
      // An inner failure that nobody listens for must still be seen.
      if (name === 'worker.error') warn((event as LifecycleEvents['worker.error']).error) // narrowed by name
      return
    }
    for (const listener of [...listeners]) {
      try {
        const result = (listener as LifecycleListener<Name>)(event) // stored under its own name
        if (result instanceof Promise) result.catch((error: unknown) => this.#report(name, error))
      } catch (error) {
        this.#report(name, error)
      }
    }
  }

  #report(name: keyof LifecycleEvents, error: unknown): void {
    if (name === 'worker.error') warn(error)
    else this.emit('worker.error', { error, during: `listener of ${name}` })
  }
}

function warn(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  queueMicrotask(() => process.emitWarning(text, 'PosthornWarning'))
}
