import { randomFillSync } from 'node:crypto'
import type { Clock } from '../domain/clock.ts'

/** Fills words of 32 bits at random. */
export type FillRandom = (words: Uint32Array) => void

// A clock that steps back by less is waited out: ids go on from the latest time. One that steps back further was wrong before.
const maxStepBackMs = 10_000
const counterLowBits = 30
const maxLow = 2 ** counterLowBits - 1
const maxHigh = 0xfff
// One call for many: asking for four random bytes costs as much as asking for a thousand.
const poolSize = 512

/**
 * Makes UUIDs of version 7 (RFC 9562, section 5.7): 48 bits of time in milliseconds, a counter of 42 bits that begins at random in each
 * millisecond (section 6.2, method 1), and 32 random bits. Each is above the one before, also where the clock steps back a little.
 */
export class UuidV7 {
  readonly #clock: Clock
  readonly #fillRandom: FillRandom
  readonly #pool = new Uint32Array(poolSize)
  readonly #text = Buffer.from('00000000-0000-7000-8000-000000000000', 'latin1')
  #taken = poolSize
  #timeMs = -1
  #high = 0
  #low = 0

  constructor(clock: Clock = Date.now, fillRandom: FillRandom = randomFillSync) {
    this.#clock = clock
    this.#fillRandom = fillRandom
  }

  /** The next one, in lower case. */
  next(): string {
    const nowMs = Math.floor(this.#clock())
    if (nowMs > this.#timeMs || nowMs < this.#timeMs - maxStepBackMs) this.#begin(nowMs)
    else this.#count()
    this.#write(28, this.#random(), 8)
    return this.#text.toString('latin1')
  }

  // The highest bit is left free: from there on the counter has 2^41 numbers, which no ten seconds use up.
  #begin(timeMs: number): void {
    this.#timeMs = timeMs
    this.#high = this.#random() & (maxHigh >> 1)
    this.#low = this.#random() & maxLow
    this.#write(0, Math.floor(timeMs / 0x10000), 8)
    this.#write(9, timeMs % 0x10000, 4)
    this.#writeHigh()
    this.#writeLow()
  }

  #count(): void {
    this.#low++
    if (this.#low > maxLow) {
      this.#low = 0
      this.#high++
      this.#writeHigh()
    }
    this.#writeLow()
  }

  // Behind the 7 of the version.
  #writeHigh(): void {
    this.#write(15, this.#high, 3)
  }

  // Behind the two bits of the variant.
  #writeLow(): void {
    this.#write(19, 0x8000 | (this.#low >>> 16), 4)
    this.#write(24, this.#low & 0xffff, 4)
  }

  #random(): number {
    if (this.#taken === poolSize) {
      this.#fillRandom(this.#pool)
      this.#taken = 0
    }
    return this.#pool[this.#taken++] ?? 0
  }

  #write(place: number, value: number, digits: number): void {
    let rest = value
    for (let index = place + digits - 1; index >= place; index--) {
      this.#text[index] = hexDigits[rest & 0xf] ?? 0
      rest >>>= 4
    }
  }
}

const hexDigits = Buffer.from('0123456789abcdef', 'latin1')
