const cleanups = new Set<() => void>()
let isWatching = false

/** Runs a synchronous cleanup when this process ends, by a signal too, unless the function returned was called before. */
export function atExit(cleanup: () => void): () => void {
  cleanups.add(cleanup)
  if (!isWatching) watch()
  return () => cleanups.delete(cleanup)
}

function watch(): void {
  isWatching = true
  process.on('exit', () => {
    for (const cleanup of cleanups) cleanup()
  })
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
}
