import { PosthornError } from '../domain/error.ts'
import type { HeldReservation, IdempotencyStore, Reservation, ReserveResult } from './idempotency-store.ts'

/** Says whether something has the methods of a store. */
export function isIdempotencyStore(store: unknown): store is IdempotencyStore {
  if (typeof store !== 'object' || store === null) return false
  const methods = ['reserve', 'complete', 'release', 'claimLapsed']
  return methods.every((name) => typeof Reflect.get(store, name) === 'function')
}

/**
 * Reserves, and waits no longer than `timeoutMs`, in milliseconds. What was taken too late is given back. Throws `STORAGE_UNAVAILABLE`, and
 * errors of Posthorn's as they come.
 */
export async function reserveInTime(
  store: IdempotencyStore,
  reservation: Reservation,
  timeoutMs: number,
): Promise<ReserveResult> {
  const reserving = store.reserve(reservation)
  return await storeInTime(store, reserving, timeoutMs, () => void releaseLate(store, reserving, reservation))
}

/** Waits for a store, but not for ever: a client that reconnects in silence would hold every request open. Throws as above. */
export async function storeInTime<T>(
  store: IdempotencyStore,
  answering: Promise<T>,
  timeoutMs: number,
  onLate?: () => void,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      onLate?.()
      const message = `The idempotency store ${store.name} did not answer within ${timeoutMs} ms.`
      reject(new PosthornError('STORAGE_UNAVAILABLE', message))
    }, timeoutMs)
  })
  try {
    return await Promise.race([answering, late])
  } catch (error) {
    if (error instanceof PosthornError) throw error
    throw new PosthornError('STORAGE_UNAVAILABLE', `The idempotency store ${store.name} failed; see cause.`, {
      cause: error,
    })
  } finally {
    clearTimeout(timer)
  }
}

/** Gives back what was taken too late; otherwise it would keep the next attempt out for a whole lease. */
async function releaseLate(
  store: IdempotencyStore,
  reserving: Promise<ReserveResult>,
  held: HeldReservation,
): Promise<void> {
  try {
    if ((await reserving).status === 'reserved') await store.release(held)
  } catch {
    // The request was answered 503 long ago, and the lease ends by itself.
  }
}
