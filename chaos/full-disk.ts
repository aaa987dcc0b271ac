import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Seeded, Verdict } from './scenario.ts'

/** How hard it gets. */
export interface FullDiskOptions extends Seeded {
  /** How often the disk is filled up and there is room again. */
  readonly rounds: number
}

const execute = promisify(execFile)
const run = fileURLToPath(new URL('./full-disk-run.ts', import.meta.url))
const diskSize = '24m'

/**
 * Fills up the disk of a SQLite database under load and makes room again. The disk is a tmpfs in a mount name space of its own, which ends
 * with its process; where the system lets nobody mount one, the limit is SQLite's own (`max_page_count`).
 */
export async function fullDisk({ rounds, seed }: FullDiskOptions): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-chaos-disk-'))
  const args = (kind: string) => ['--no-warnings', run, folder, kind, `${rounds}`, `${seed}`]
  const mount = `mount -t tmpfs -o size=${diskSize} posthorn "$0" && exec "$@"`
  const isolate = process.getuid?.() === 0 ? ['--mount'] : ['--map-root-user', '--mount']
  try {
    const disk = await canMount(isolate, folder)
    const { stdout } = disk
      ? await execute('unshare', [...isolate, 'sh', '-c', mount, folder, process.execPath, ...args('disk')], limits)
      : await execute(process.execPath, args('pages'), limits)
    return JSON.parse(stdout) as Verdict // what the run prints
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const limits = { timeout: 90_000, killSignal: 'SIGKILL' } as const

async function canMount(isolate: readonly string[], folder: string): Promise<boolean> {
  try {
    await execute('unshare', [...isolate, 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'posthorn', folder])
    return true
  } catch {
    return false // no such command, or not allowed
  }
}
