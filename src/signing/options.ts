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
  if ((canLift && value === false) || (Number.isSafeInteger(value) && Number(value) > 0)) return value
  throw new (typeof value === 'number' ? RangeError : TypeError)(
    `${owner}: ${name} must be a whole number from 1${canLift ? ', or false' : ''}, not ${describe(value)}.`,
  )
}

/** Refuses what is of another type. */
export function checkType<Value>(owner: string, name: string, value: Value, type: 'boolean' | 'function'): Value {
  if (typeof value === type) return value
  throw new TypeError(`${owner}: ${name} must be a ${type}, not ${describe(value)}.`)
}

/** Names a wrong value in a message: texts and numbers as they are, of the rest the kind only. */
export function describe(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : Object(value) === value ? typeof value : String(value)
}
