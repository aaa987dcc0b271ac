import type { Clock } from '../domain/clock.ts'
import { PosthornError } from '../domain/error.ts'
import { within } from '../domain/within.ts'
import { readRequestBody } from './body-reader.ts'
import type { KeyQuery, VerifyKey } from './key.ts'
import { checkOptions, limit } from './options.ts'

/** A `fetch`, as much of it as fetching keys needs. */
export type FetchKeys = (url: string, init: RequestInit) => Promise<Response>

/** Options of everything that fetches keys. */
export interface KeyFetchOptions {
  /** Fetches the keys; the global `fetch` unless given. Redirects are not followed, and an answer must be 200. */
  readonly fetch?: FetchKeys
  /** For how long keys are used before they are fetched again, in milliseconds; 3,600,000 unless given. */
  readonly maxAgeMs?: number
  /** How long a fetch may take, in milliseconds; 5,000 unless given. */
  readonly timeoutMs?: number
  /** Tells the time; `Date.now` unless given. */
  readonly clock?: Clock
}

/** Refuses options that nobody reads or that are wrong. */
export function checkKeyFetchOptions(owner: string, options: KeyFetchOptions): void {
  checkOptions(owner, options, { fetch: 'a function', maxAgeMs: limit, timeoutMs: limit, clock: 'a function' })
}

// What a message claims must not make us ask the sender's server as often as somebody likes.
const maxFetchesPerMinute = 10
// Of all names together: with as few as for one, a trickle of made-up names would keep every real one from being fetched.
const maxFetchesOfAllPerMinute = 300
const maxEntries = 100
const maxBytes = 65_536
// Fetches of others that may be lost before a request fetches itself.
const maxJoined = 2

interface Entry {
  readonly keys: readonly VerifyKey[]
  readonly fetchedAtMs: number
}

/** How a fetch ended; that it failed is a value, so that a promise which is refused is one that the platform dropped. */
type Fetched = { readonly keys: readonly VerifyKey[] } | { readonly error: unknown }

/**
 * Keeps fetched keys by name. One fetch at a time for each name; keys that did not fit are fetched again, but ten times a
 * minute at most for each name, and 300 times for all; where fetching fails, the keys of before are used on. Requests that come while
 * a fetch is under way wait for it; where the platform drops it with the request that started it, one of them fetches anew.
 */
export class KeyCache {
  readonly #load: (name: string) => Promise<readonly VerifyKey[]>
  readonly #clock: Clock
  readonly #maxAgeMs: number
  readonly #timeoutMs: number
  readonly #entries = new Map<string, Entry>()
  readonly #underWay = new Map<string, Promise<Fetched>>()
  readonly #fetches: { readonly name: string; readonly atMs: number }[] = []

  constructor(
    load: (name: string) => Promise<readonly VerifyKey[]>,
    { clock = Date.now, maxAgeMs = 3_600_000, timeoutMs = 5000 }: KeyFetchOptions,
  ) {
    this.#load = load
    this.#clock = clock
    this.#maxAgeMs = maxAgeMs
    this.#timeoutMs = timeoutMs
  }

  /** Gives the keys of a name; `isRetry` asks for newer ones than those given before. Rejects with the signal's reason. */
  async get(name: string, { isRetry, signal }: Omit<KeyQuery, 'texts'>): Promise<readonly VerifyKey[]> {
    const getting = this.#get(name, isRetry)
    if (signal === undefined) return await getting
    let stop: (() => void) | undefined
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason)
      signal.addEventListener('abort', stop)
    })
    try {
      // Others may wait for the same fetch, so it goes on.
      return await Promise.race([getting, aborted])
    } finally {
      if (stop) signal.removeEventListener('abort', stop)
    }
  }

  async #get(name: string, isRetry: boolean): Promise<readonly VerifyKey[]> {
    const entry = this.#entries.get(name)
    if (entry !== undefined && !isRetry && this.#clock() - entry.fetchedAtMs < this.#maxAgeMs) return entry.keys
    const fetched = await this.#join(name)
    if ('keys' in fetched) return fetched.keys
    // Stale keys are better than none: whoever could stop our fetching must not stop the receiver.
    if (entry !== undefined) return entry.keys
    const message = "The sender's keys cannot be fetched: answer 503, so that it tries again."
    throw new PosthornError('KEYS_UNAVAILABLE', message, { cause: fetched.error })
  }

  async #join(name: string): Promise<Fetched> {
    let fetched: Fetched | null = null
    for (let joined = 0; fetched === null && joined < maxJoined; joined++) {
      const underWay = this.#underWay.get(name)
      if (underWay === undefined) break
      fetched = await this.#waitFor(name, underWay)
    }
    fetched ??= await this.#waitFor(name, this.#start(name))
    return fetched ?? { error: new RangeError('The fetch was given up.') }
  }

  /**
   * Null where nothing comes. In workerd a fetch belongs to the request that started it: when that one ends first, the promise is refused,
   * or with a compatibility date before 2024-10-14 never settled. Of ours it never is refused, and is settled in time.
   */
  async #waitFor(name: string, fetching: Promise<Fetched>): Promise<Fetched | null> {
    try {
      return await within(this.#timeoutMs, fetching, null)
    } catch {
      return null
    } finally {
      if (this.#underWay.get(name) === fetching) this.#underWay.delete(name)
    }
  }

  #start(name: string): Promise<Fetched> {
    const late = { error: new RangeError(`No keys came within ${this.#timeoutMs} ms.`) }
    const loading = this.#loadOnce(name).then(
      (keys) => ({ keys }),
      (error: unknown) => ({ error }),
    )
    const fetching = within<Fetched>(this.#timeoutMs, loading, late)
    this.#underWay.set(name, fetching)
    return fetching
  }

  async #loadOnce(name: string): Promise<readonly VerifyKey[]> {
    if (!this.#mayFetch(name)) throw new RangeError('Keys were fetched too often within a minute.')
    this.#fetches.push({ name, atMs: this.#clock() })
    const keys = await this.#load(name)
    this.#entries.delete(name)
    // Only what was fetched is kept, so names made up by a stranger push nothing out.
    if (this.#entries.size >= maxEntries) this.#entries.delete(this.#entries.keys().next().value ?? '')
    this.#entries.set(name, { keys, fetchedAtMs: this.#clock() })
    return keys
  }

  #mayFetch(name: string): boolean {
    const minuteAgoMs = this.#clock() - 60_000
    while (this.#fetches.length > 0 && !((this.#fetches[0]?.atMs ?? 0) > minuteAgoMs)) this.#fetches.shift()
    const ofName = this.#fetches.filter((fetched) => fetched.name === name)
    return ofName.length < maxFetchesPerMinute && this.#fetches.length < maxFetchesOfAllPerMinute
  }
}

/** Fetches a text of up to 64 KiB from a pinned place. */
export async function fetchText(url: string, options: KeyFetchOptions, init: RequestInit = {}): Promise<string> {
  const { fetch = globalThis.fetch, timeoutMs = 5000 } = options
  const signal = AbortSignal.timeout(timeoutMs)
  // manual: a redirect would lead away from the pinned place.
  const response = await fetch(url, { ...init, redirect: 'manual', signal })
  if (response.status !== 200) throw new TypeError(`It answered ${response.status}.`)
  return new TextDecoder().decode(await readRequestBody(response, maxBytes, signal))
}
