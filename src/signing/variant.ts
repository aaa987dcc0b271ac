import type { Scheme } from './scheme.ts'

/** A scheme that differs from another in a few members. */
export function variantOf(scheme: Scheme, changed: Partial<Scheme>): Scheme {
  return { ...scheme, ...changed }
}
