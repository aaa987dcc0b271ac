/** Refuses an options object with a member that nobody reads: a misspelt limit must not be a missing limit. */
export function checkOptionNames(owner: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`${owner} takes an options object.`)
  const unknown = Object.keys(options).find((name) => !names.includes(name))
  if (unknown !== undefined) throw new TypeError(`${owner}: unknown option '${unknown}'; it takes ${names.join(', ')}.`)
}

/** Refuses what is neither a whole number from 1 nor, where the limit can be lifted, false. */
export function checkLimit<Limit extends number | false>(
  owner: string,
  name: string,
  value: Limit,
  canLift: boolean,
): Limit {
  if ((canLift && value === false) || (Number.isSafeInteger(value) && Number(value) >= 1)) return value
  const Wrong = typeof value === 'number' ? RangeError : TypeError
  const found = typeof value === 'string' ? `'${String(value)}'` : String(value)
  throw new Wrong(
    `${owner}: ${name} must be a whole number of 1 or more${canLift ? ', or false for no limit' : ''}, not ${found}.`,
  )
}

/** Refuses what is no function. */
export function checkClock<Clock>(owner: string, clock: Clock): Clock {
  if (typeof clock === 'function') return clock
  throw new TypeError(`${owner}: clock must be a function, not ${String(clock)}.`)
}
