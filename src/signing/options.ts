import { isObject, memberOf } from './member.ts'

/** A limit that cannot be lifted, as messages say it. */
export const limit = 'a whole number from 1'
/** A limit that only `false` lifts. */
export const liftableLimit = `${limit}, or false`

/** What an option must be, as messages say it; empty for what is checked elsewhere. */
export type OptionKind = '' | 'a boolean' | 'a function' | typeof limit | typeof liftableLimit

/**
 * Refuses an options object with a member that nobody reads, because a misspelt limit must not be a missing limit, or with one of the
 * wrong kind. What is undefined counts as left out.
 *
 * @throws RangeError for a number that is no limit, TypeError for everything else.
 */
export function checkOptions(owner: string, options: object, kinds: Readonly<Record<string, OptionKind>>): void {
  if (!isObject(options)) throw new TypeError(`${owner} takes an options object.`)
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const kind = memberOf(kinds, name)
    if (typeof kind !== 'string')
      throw new TypeError(`${owner}: unknown option '${name}'; it takes ${Object.keys(kinds).join(', ')}.`)
    const isRight = kind.startsWith(limit)
      ? isWhole(value) || (value === false && kind === liftableLimit)
      : !kind || kind === `a ${typeof value}`
    if (!isRight && value !== undefined) throw wrongOption(owner, name, kind, value)
  }
}

/** Builds the error of an option that is not as it must be. */
export function wrongOption(owner: string, name: string, kind: string, value: unknown): Error {
  // Texts and numbers as they are, of the rest the kind only.
  const found = typeof value === 'string' ? `'${value}'` : Object(value) === value ? typeof value : String(value)
  return new (typeof value === 'number' && kind.startsWith(limit) ? RangeError : TypeError)(
    `${owner}: ${name} must be ${kind}, not ${found}.`,
  )
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 0
}
