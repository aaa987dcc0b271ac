import { Redis } from 'ioredis'

const serverUrl = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379'

/** Connects to the Redis that the tests run on, or answers null. Without one the tests are skipped, loudly; in CI that is a failure. */
export async function connectRedis(): Promise<Redis | null> {
  const redis = new Redis(serverUrl, { lazyConnect: true, maxRetriesPerRequest: 1, retryStrategy: () => null })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return redis
  } catch (error) {
    const message = `No Redis at ${new URL(serverUrl).host} (set REDIS_URL)`
    if (process.env['CI'] === 'true') throw new Error(message, { cause: error })
    console.warn(`SKIPPED: ${message}: ${String(error)}`)
    return null
  }
}

/** A key prefix that no other run has. */
export function newPrefix(): string {
  return `posthorn-test-${process.pid}-${Math.random().toString(36).slice(2, 10)}`
}
