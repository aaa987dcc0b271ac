import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const examples = fileURLToPath(new URL('../../examples', import.meta.url))

/** A running example. */
export interface Program {
  readonly pid: number
  /** What it has printed so far, to both streams. */
  readonly output: () => string
  /** Resolves with the first group of a pattern once the output fits it; rejects after 15 s or when the program ends without. */
  readonly printed: (pattern: RegExp) => Promise<string>
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
  readonly kill: (signal: NodeJS.Signals) => void
}

/** Runs an example in a process of its own, by this Node; it is killed when the test is over. */
export function runExample(script: string, env: Readonly<Record<string, string>> = {}): Program {
  const child = spawn(process.execPath, [join(examples, script)], { env: { ...process.env, ...env } })
  const chunks: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => chunks.push(text))
  const output = () => chunks.join('')
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string) // as node documents them
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })

  const printed = async (pattern: RegExp) => {
    for (const endsAt = Date.now() + 15_000; Date.now() < endsAt; await sleep(10)) {
      const match = pattern.exec(output())
      if (match !== null) return match[1] ?? match[0]
      if (child.exitCode !== null) break
    }
    throw new Error(`${script} did not print ${pattern}, but:\n${output()}`)
  }
  return { pid: child.pid ?? 0, output, printed, ended, kill: (signal) => child.kill(signal) }
}

/** Makes a folder that is removed when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-examples-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
