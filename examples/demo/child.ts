import { fork, type ChildProcess } from 'node:child_process'

/** A process that the demo has started. */
export interface Child {
  readonly process: ChildProcess
  /** Resolves with the exit code, or the name of the signal that killed it. */
  readonly ended: Promise<number | string>
}

const children = new Set<Child>()

/** Runs a script of this folder as a process of its own; it is killed when `signal` is aborted. */
export function startChild(
  script: string,
  options: { readonly args?: readonly string[]; readonly env: Record<string, string>; readonly signal: AbortSignal },
): Child {
  const { args = [], env, signal } = options
  signal.throwIfAborted()
  const child = fork(new URL(script, import.meta.url), args, { env: { ...process.env, ...env } })
  const onAbort = () => child.kill('SIGKILL')
  signal.addEventListener('abort', onAbort)
  const ended = new Promise<number | string>((resolve) => {
    child.once('exit', (code, killedBy) => {
      signal.removeEventListener('abort', onAbort)
      resolve(code ?? killedBy ?? 'unknown')
    })
  })
  const started = { process: child, ended }
  children.add(started)
  return started
}

/** Kills a process and waits for its end. */
export async function killChild(child: Child): Promise<void> {
  child.process.kill('SIGKILL')
  await child.ended
}

/** Kills every process that was started, so that none is left behind. */
export async function killChildren(): Promise<void> {
  await Promise.all([...children].map(killChild))
}
