import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { atExit } from './cleanup.ts'

/** How the server is told to end: as with a power cut, or with its connections cut and its work written. */
export type ShutdownMode = 'immediate' | 'fast'

/** A Postgres server that belongs to one run: in a temporary folder, reached by a socket in it, with fsync on. */
export interface PrivateCluster {
  /** For a `Pool` of pg. */
  readonly connection: { readonly host: string; readonly user: string; readonly database: string }
  stop(mode: ShutdownMode): Promise<void>
  start(): Promise<void>
  /** Ends the server and removes the folder. */
  remove(): void
}

/** Creates a cluster and starts it. It is removed when this process ends, if not before. */
export async function startPrivateCluster(): Promise<PrivateCluster> {
  const bin = serverBinaries()
  const account = unprivilegedAccount()
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-pg-'))
  if (account !== undefined) chownSync(folder, account.uid, account.gid)
  const folderOf = join(folder, 'data')
  const run = async (program: string, ...args: string[]) => {
    const log = openSync(join(folder, 'log'), 'a')
    // The server inherits these: with pipes, pg_ctl would never seem to end.
    const child = spawn(join(bin, program), args, { cwd: folder, stdio: ['ignore', log, log], ...account })
    closeSync(log)
    const [code] = await once(child, 'exit')
    if (code === 0) return
    throw new Error(`${program} ${args.join(' ')} failed:\n${readFileSync(join(folder, 'log'), 'utf8').slice(-2000)}`)
  }
  const settings = `-c listen_addresses= -c unix_socket_directories=${folder} -c max_connections=60 -c shared_buffers=64MB`
  const control = async (...args: string[]) => await run('pg_ctl', '-D', folderOf, '-w', '-t', '60', ...args)
  const remove = () => {
    forget()
    const end = ['-D', folderOf, '-w', '-m', 'immediate', 'stop']
    if (existsSync(join(folderOf, 'postmaster.pid')))
      execFileSync(join(bin, 'pg_ctl'), end, { cwd: folder, ...account, stdio: 'ignore' })
    rmSync(folder, { recursive: true, force: true })
  }
  const forget = atExit(remove)
  const start = async () => await control('-o', settings, 'start')
  try {
    await run('initdb', '-D', folderOf, '-A', 'trust', '-U', 'posthorn', '-E', 'UTF8', '--locale=C', '--no-sync')
    await start()
  } catch (error) {
    remove()
    throw error
  }
  return {
    connection: { host: folder, user: 'posthorn', database: 'postgres' },
    stop: async (mode) => await control('-m', mode, 'stop'),
    start,
    remove,
  }
}

// On the PATH, or, as Debian has them, of the newest version below /usr/lib/postgresql.
function serverBinaries(): string {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...versions.map((version) => join(debian, version, 'bin')),
  ]
  const found = folders.find((folder) =>
    ['initdb', 'pg_ctl', 'postgres'].every((name) => existsSync(join(folder, name))),
  )
  if (found !== undefined) return found
  throw new Error(
    "No Postgres server to start: install one (initdb, pg_ctl and postgres on the PATH, or Debian's package postgresql).",
  )
}

// Postgres does not run as root. The account that Debian's package makes will do.
function unprivilegedAccount(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: idOf('-u'), gid: idOf('-g') }
}
