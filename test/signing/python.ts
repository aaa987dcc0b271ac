import { spawnSync } from 'node:child_process'

const hasPython = spawnSync('python3', ['--version']).status === 0

if (!hasPython && process.env['CI'] === 'true')
  throw new Error('python3 is missing: CI must compare with the real one.')

/** Why tests against Python are left out here; false where python3 is installed. */
export const skipsPython = hasPython ? false : 'python3 is not installed'
if (skipsPython !== false) process.stderr.write(`SKIPPED: every comparison with Python, because ${skipsPython}\n`)

/** Runs one Python script over JSON lines, and gives its lines back. */
export function runPython(script: string, lines: readonly string[], args: readonly string[] = []): string[] {
  const child = spawnSync('python3', ['-c', script, ...args], {
    input: lines.map((line) => `${line}\n`).join(''),
    encoding: 'utf8',
    env: { ...process.env, PYTHONIOENCODING: 'utf-8', PYTHONUTF8: '1' },
    maxBuffer: 256 * 1024 * 1024,
    timeout: 60_000,
  })
  if (child.status !== 0) throw new Error(`python3 failed: ${child.stderr}`)
  return child.stdout.split('\n').slice(0, -1)
}
