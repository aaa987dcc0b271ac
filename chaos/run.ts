// npm run chaos: breaks things on purpose and counts. With --short it does the same in less time; --seed N repeats a run.
import { parseArgs } from 'node:util'
import { allowedExtra, sqliteKill } from './sqlite-kill.ts'

const { values } = parseArgs({ options: { short: { type: 'boolean', default: false }, seed: { type: 'string' } } })
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
const isShort = values.short

const scenarios = [
  { name: 'SQLite, kill -9', signal: 'SIGKILL', events: isShort ? 600 : 20_000, kills: isShort ? 8 : 200, seed },
  { name: 'SQLite, SIGTERM', signal: 'SIGTERM', events: isShort ? 400 : 8_000, kills: isShort ? 5 : 100, seed },
] as const

for (const { name, ...options } of scenarios) {
  const started = performance.now()
  const figures = await sqliteKill(options)
  const isGood = figures.lost === 0 && figures.extra <= allowedExtra(options) && figures.integrity === 'ok'
  if (!isGood) process.exitCode = 1
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(
    `${isGood ? 'ok    ' : 'FAILED'} ${name} (${seconds} s, extra allowed ${allowedExtra(options)}):`,
    figures,
  )
}
