import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Names a database file in a new folder, which is removed when the test has finished. */
export function tempFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-sqlite-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'webhooks.db')
}
