import { memoryStorage } from 'posthorn'
import { bullmqTransport } from 'posthorn/bullmq'
import { describe, expect, it } from 'vitest'
import { bench } from './bullmq-fixture.ts'
import { majors } from './bullmq-majors.ts'
import { noRedis, privateRedis } from './redis-server.ts'

const kinds = [
  { kind: 'keeps nothing', settings: ['--save', '', '--appendonly', 'no'], warning: /keeps nothing over a restart/ },
  { kind: 'has snapshots only', settings: ['--save', '3600 1'], warning: /keeps its last snapshot/ },
  {
    kind: 'forbids CONFIG',
    settings: ['--save', '', '--rename-command', 'CONFIG', ''],
    warning: /could not be checked/,
  },
  {
    kind: 'keeps a log',
    settings: ['--save', '', '--appendonly', 'yes', '--appenddirname', 'a-{port}'],
    warning: null,
  },
] as const

describe.each(majors)('the durability check of bullmqTransport on $name', { skip: noRedis }, ({ bullmq }) => {
  it.each(kinds)('tells of a Redis that $kind', async ({ settings, warning }) => {
    const redis = await privateRedis(...settings)
    await redis.start()
    const warnings = await warningsOfStart(redis.connection, true)
    expect(warnings).toEqual(warning === null ? [] : [expect.stringMatching(warning)])
    expect(warnings.every((text) => text.includes('No delivery is lost'))).toBe(true)
  })

  it('can be switched off', async () => {
    const redis = await privateRedis()
    await redis.start()
    expect(await warningsOfStart(redis.connection, false)).toEqual([])
  })

  async function warningsOfStart(connection: { host: string; port: number }, checkDurability: boolean) {
    const warnings: string[] = []
    const listener = ({ name, message }: Error) => name === 'PosthornWarning' && warnings.push(message)
    process.on('warning', listener)
    try {
      const transport = bullmqTransport({ connection, bullmq, checkDurability, queueName: 'q' })
      const { dispatcher } = bench({ bullmq, connection, storage: memoryStorage() })
      const started = dispatcher({ transport })
      await started.start()
      const ready = new bullmq.Queue('q', { connection, prefix: 'bull' })
      ready.on('error', () => undefined)
      // The worker connected before this queue does; give its few questions the time of some more.
      for (let asked = 0; asked < 10; asked++) await ready.isPaused()
      await new Promise((resolve) => setTimeout(resolve, 150))
      await ready.close()
      await started.stop()
    } finally {
      process.off('warning', listener)
    }
    return warnings
  }
})
