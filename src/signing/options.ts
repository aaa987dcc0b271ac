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
 * @throws TypeError
 */
export const checkOptions = (owner: string, options: object, kinds: Readonly<Record<string, OptionKind>>): void => {
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const kind: string = kinds[name] ?? `left out (it takes ${Object.keys(kinds).join()})`
    const isRight =
      !kind ||
      kind === `a ${typeof value}` ||
      (value === false
        ? kind === liftableLimit
        : kind.startsWith(limit) && Number.isSafeInteger(value) && Number(value) > 0)
    if (!isRight && value !== undefined) throw wrongOption(owner, name, kind, value)
  }
}

/** Builds the error of an option that is not as it must be. */
export const wrongOption = (owner: string, name: string, kind: string, value: unknown): Error =>
  // Of texts and objects no more than that: they may be secrets under another name.
  new TypeError(`${owner}: ${name} must be ${kind}, not ${typeof value === 'number' ? value : typeof value}.`)
