import type { Clock } from '../domain/clock.ts'
import { answersKeptMs, type KeptAnswer } from './idempotency.ts'

/** An answer and the request that it is for. */
export interface Kept {
  readonly tenantId: string
  readonly key: string
  readonly fingerprint: string
  readonly answer: KeptAnswer
}

// An answer may be 64 KiB, so that keys alone bound no memory. A tenant who fills its part pushes out its own and nobody else's.
const tenantLimit: Limit = { answers: 1_000, characters: 2_097_152 }
const totalLimit: Limit = { answers: 10_000, characters: 67_108_864 }

/** The answers of requests with an idempotency key: bounded in number and size, for each tenant and in all, the oldest forgotten first. */
export class KeptAnswers {
  readonly #clock: Clock
  readonly #all = new Shelf(totalLimit)
  readonly #tenants = new Map<string, Shelf>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The answer under a key of a tenant, null where there is none or it is too old. */
  find(tenantId: string, key: string): Kept | null {
    const placed = this.#tenants.get(tenantId)?.find(nameOf(tenantId, key))
    return placed === undefined || this.#isOld(placed) ? null : placed.kept
  }

  /** Keeps an answer, in place of an older one under the same key. */
  keep(kept: Kept): void {
    const { tenantId, key, answer } = kept
    const placed = { kept, name: nameOf(tenantId, key), atMs: this.#clock(), characters: answer.body.length }
    const before = this.#all.find(placed.name)
    if (before !== undefined) this.#forget(before)
    const own = this.#tenants.get(tenantId) ?? new Shelf(tenantLimit)
    this.#tenants.set(tenantId, own)
    for (const shelf of [own, this.#all]) shelf.add(placed)
    for (const shelf of [own, this.#all]) {
      for (const each of shelf.oldestFirst()) {
        if (!shelf.isOverfull && !this.#isOld(each)) break
        this.#forget(each)
      }
    }
  }

  #isOld({ atMs }: Placed): boolean {
    return this.#clock() - atMs >= answersKeptMs
  }

  #forget(placed: Placed): void {
    const { tenantId } = placed.kept
    const own = this.#tenants.get(tenantId)
    this.#all.remove(placed)
    own?.remove(placed)
    if (own?.isEmpty === true) this.#tenants.delete(tenantId)
  }
}

function nameOf(tenantId: string, key: string): string {
  return JSON.stringify([tenantId, key])
}

interface Limit {
  readonly answers: number
  readonly characters: number
}

interface Placed {
  readonly kept: Kept
  readonly name: string
  readonly atMs: number
  readonly characters: number
}

class Shelf {
  readonly #limit: Limit
  readonly #placed = new Map<string, Placed>()
  #characters = 0

  constructor(limit: Limit) {
    this.#limit = limit
  }

  get isEmpty(): boolean {
    return this.#placed.size === 0
  }

  get isOverfull(): boolean {
    return this.#placed.size > this.#limit.answers || this.#characters > this.#limit.characters
  }

  find(name: string): Placed | undefined {
    return this.#placed.get(name)
  }

  oldestFirst(): Iterable<Placed> {
    return this.#placed.values()
  }

  add(placed: Placed): void {
    this.#placed.set(placed.name, placed)
    this.#characters += placed.characters
  }

  remove(placed: Placed): void {
    if (this.#placed.delete(placed.name)) this.#characters -= placed.characters
  }
}
