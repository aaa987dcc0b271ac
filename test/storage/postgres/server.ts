import { Client } from 'pg'

/** The server that the tests run on. */
export const serverUrl = process.env['DATABASE_URL'] ?? 'postgres://root@127.0.0.1:5432/test'

/** Whether there is one. Without one the tests are skipped, loudly; in CI that is a failure. */
export async function isReachable(): Promise<boolean> {
  const client = new Client({ connectionString: serverUrl, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.end()
    return true
  } catch (error) {
    const { host, pathname } = new URL(serverUrl)
    const message = `No Postgres at ${host}${pathname} (set DATABASE_URL)`
    if (process.env['CI'] === 'true') throw new Error(message, { cause: error })
    console.warn(`SKIPPED: ${message}: ${String(error)}`)
    return false
  }
}
