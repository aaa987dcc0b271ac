/** Says whether a value of unknown shape has members. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Reads a member of JSON under a dotted path; undefined where there is none. */
export const memberAt = (value: unknown, path: string): unknown =>
  // as: of what has no members every member is undefined.
  path.split('.').reduce((of: unknown, name) => (of as Record<string, unknown> | null | undefined)?.[name], value)
