/** Passes anything for a handle, as a caller without types may. */
export function wrong(handle: unknown): never {
  return handle as never
}
