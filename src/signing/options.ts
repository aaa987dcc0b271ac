/** Refuses an options object with a member that nobody reads: a misspelt limit must not be a missing limit. */
export function checkOptionNames(owner: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`${owner} takes an options object.`)
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new TypeError(`${owner}: unknown option '${name}'; it takes ${names.join(', ')}.`)
  }
}

/** Refuses what is neither a whole number from 1 nor, where the limit can be lifted, false. */
export function checkLimit<Limit extends number | false>(
  owner: string,
  name: string,
  value: Limit,
  canLift: boolean,
): Limit {
  if (canLift && value === false) return value
  const expected = `a whole number of 1 or more${canLift ? ', or false for no limit' : ''}`
  if (typeof value !== 'number') throw new TypeError(`${owner}: ${name} must be ${expected}, not ${describe(value)}.`)
  if (!(Number.isSafeInteger(value) && value >= 1))
    throw new RangeError(`${owner}: ${name} must be ${expected}, not ${value}.`)
  return value
}

/** Refuses what is no function. */
export function checkClock<Clock>(owner: string, clock: Clock): Clock {
  if (typeof clock !== 'function') throw new TypeError(`${owner}: clock must be a function, not ${describe(clock)}.`)
  return clock
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}
