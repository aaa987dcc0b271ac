/** Whether something that a caller gave has a method of this name; the `sql` of postgres.js and a `trx` of Knex's are functions. */
export function hasMethod(candidate: unknown, name: string): boolean {
  if ((typeof candidate !== 'object' && typeof candidate !== 'function') || candidate === null) return false
  return typeof Reflect.get(candidate, name) === 'function'
}
