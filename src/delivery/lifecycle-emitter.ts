import type { LifecycleEvents, LifecycleListener } from '../domain/lifecycle.ts'

type Name = keyof LifecycleEvents
interface Registration {
  readonly listener: (event: never) => unknown
}

// By name, so that a misspelt one is refused instead of never called.
const names: Readonly<Record<Name, true>> = {
  'delivery.attempted': true,
  'delivery.blocked': true,
  'delivery.succeeded': true,
  'delivery.failed': true,
  'delivery.cancelled': true,
  'delivery.lost': true,
  'webhook.disabled': true,
  'worker.error': true,
}

/** Keeps listeners by name and shields the pipeline from them. */
export class LifecycleEmitter {
  /** Each list is replaced when it changes, never changed: one that is being told goes on as it was. */
  readonly #registrations = new Map<Name, readonly Registration[]>()

  /** Adds a listener; the function returned removes it. Throws a TypeError for an unknown name, or what is no function. */
  on<N extends Name>(name: N, listener: LifecycleListener<N>): () => void {
    if (!Object.hasOwn(names, name)) {
      throw new TypeError(
        `There is no lifecycle event ${JSON.stringify(name)}: use one of ${Object.keys(names).join(', ')}.`,
      )
    }
    if (typeof listener !== 'function')
      throw new TypeError(`The listener of ${name} must be a function, not ${typeof listener}.`)
    const registration = { listener }
    this.#registrations.set(name, [...this.#of(name), registration])
    return () => {
      const others = this.#of(name).filter((each) => each !== registration)
      this.#registrations.set(name, others)
    }
  }

  /** Says whether anybody listens, so that no event is built for nobody. */
  has(name: Name): boolean {
    return this.#of(name).length > 0
  }

  /** Tells every listener, in the order they were added. Never throws. */
  emit<N extends Name>(name: N, event: LifecycleEvents[N]): void {
    // An inner failure that nobody listens for must still be seen.
    if (name === 'worker.error' && !this.has(name)) warn((event as LifecycleEvents['worker.error']).error) // narrowed by name
    for (const { listener } of this.#of(name)) {
      try {
        const result = (listener as LifecycleListener<N>)(event) // stored under its own name
        // Whatever has a `then`, also of another realm, may reject.
        if (isThenable(result)) Promise.resolve(result).catch((error: unknown) => this.#report(name, error))
      } catch (error) {
        this.#report(name, error)
      }
    }
  }

  #of(name: Name): readonly Registration[] {
    return this.#registrations.get(name) ?? []
  }

  #report(name: Name, error: unknown): void {
    if (name === 'worker.error') warn(error)
    else this.emit('worker.error', { error, during: `listener of ${name}` })
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function warn(error: unknown): void {
  const text = describe(error)
  queueMicrotask(() => process.emitWarning(text, 'PosthornWarning'))
}

// Anything can be thrown, also what cannot be made a text.
function describe(error: unknown): string {
  try {
    return String(error instanceof Error ? (error.stack ?? error.message) : error)
  } catch {
    return 'An error was thrown that cannot be shown.'
  }
}
