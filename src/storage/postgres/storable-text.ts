import { type Issue, PosthornError } from '../../domain/error.ts'

/** Refuses a text that Postgres cannot hold as it is: one with a NUL, or with half of a surrogate pair. */
export function assertStorable(path: string, text: string | null | undefined): void {
  if (typeof text !== 'string' || isStorable(text)) return
  const issues: Issue[] = [
    { path, message: 'has a NUL character or half of a surrogate pair, which Postgres cannot store: remove it' },
  ]
  throw new PosthornError('VALIDATION_FAILED', `The text of ${path} ${issues[0]?.message}.`, { issues })
}

/** Refuses a record that has such a text among its names and values. */
export function assertStorableRecord(path: string, record: Readonly<Record<string, string>> | undefined): void {
  for (const [name, value] of Object.entries(record ?? {})) {
    assertStorable(path, name)
    assertStorable(`${path}.${name}`, value)
  }
}

/** Replaces what cannot be stored by U+FFFD, for what receivers say: an attempt is never lost over it. */
export function toStorable(text: string): string {
  return isStorable(text) ? text : text.toWellFormed().replaceAll('\0', '\ufffd')
}

// Twenty times as fast as an expression that looks for both: bodies pass here.
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
