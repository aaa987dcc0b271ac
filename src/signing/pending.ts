/**
 * Says whether a value has to be waited for. By its shape: where the global `Promise` was replaced (zone.js, polyfills), what an async function
 * gives is no instance of it. Waiting for what is there already costs a turn.
 */
export const isPending = <Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> =>
  // as: a member of whatever it is, if it has any.
  (value as Partial<PromiseLike<Value>> | null | undefined)?.then !== undefined
