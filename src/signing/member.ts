/** Says whether a value of unknown shape has members. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Reads a member of an object of unknown shape; undefined where there is none. */
export function memberOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
}
