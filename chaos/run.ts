// npm run chaos: breaks things on purpose and counts. With --short it does the same in less time; --seed N repeats a run.
import { parseArgs } from 'node:util'
import { misbehavingReceivers } from './misbehaving.ts'
import { seededFaults } from './seeded-faults.ts'
import { sqliteKill } from './sqlite-kill.ts'

const { values } = parseArgs({ options: { short: { type: 'boolean', default: false }, seed: { type: 'string' } } })
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
const isShort = values.short

const kill = { signal: 'SIGKILL', events: isShort ? 600 : 20_000, kills: isShort ? 8 : 200, seed } as const
const stop = { signal: 'SIGTERM', events: isShort ? 400 : 8_000, kills: isShort ? 5 : 100, seed } as const

await report('SQLite, kill -9: nothing is lost', async () => await sqliteKill(kill))
await report('SQLite, SIGTERM: nothing is lost, nothing is sent twice', async () => await sqliteKill(stop))
await report('Receivers that misbehave: bounded time, bounded memory, nothing left', async () => {
  return await misbehavingReceivers({ rounds: isShort ? 6 : 100 })
})
for (const fault of Object.keys(seededFaults)) {
  await report(`The harness notices: ${fault}`, async () => {
    const { isGood, ...figures } = await sqliteKill({ signal: 'SIGTERM', events: 300, kills: 3, seed, fault })
    return { isGood: !isGood, ...figures }
  })
}

async function report(name: string, scenario: () => Promise<{ readonly isGood: boolean }>): Promise<void> {
  const started = performance.now()
  const { isGood, ...figures } = await scenario()
  if (!isGood) process.exitCode = 1
  console.log(
    `${isGood ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
    figures,
  )
}
