const silentForMs = 10_000
const maxRemembered = 100

/** Passes errors on, one with the same message once in ten seconds: a Redis that is away makes several of them a second. */
export function errorLimiter(
  onError: (error: unknown, during: string) => void,
  now: () => number = () => performance.now(),
): (error: unknown, during: string) => void {
  const toldAt = new Map<string, number>()
  return (error, during) => {
    const key = `${during} ${error instanceof Error ? `${String(Reflect.get(error, 'code'))} ${error.message}` : String(error)}`
    if (now() - (toldAt.get(key) ?? -Infinity) < silentForMs) return
    if (toldAt.size >= maxRemembered) toldAt.clear()
    toldAt.set(key, now())
    onError(error, during)
  }
}
