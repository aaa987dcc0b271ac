import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'

// Each program runs in a process of its own, TypeScript as it is; Node 20 does not strip types.
const canStripTypes = process.features.typescript !== false && process.features.typescript !== undefined

const prelude = `
import { EventDispatcher } from '${new URL('../../src/delivery/event-dispatcher.ts', import.meta.url).pathname}'
import { WebhookRegistry } from '${new URL('../../src/registry/webhook-registry.ts', import.meta.url).pathname}'
import { memoryStorage } from '${new URL('../../src/storage/memory/memory-storage.ts', import.meta.url).pathname}'
const registry = new WebhookRegistry({ storage: memoryStorage(), addresses: { allow: ['127.0.0.0/8'], allowHttp: true } })
const dispatcher = new EventDispatcher({ registry, retry: { retries: 0 } })
const webhook = await registry.create({ name: 'a', url: 'http://127.0.0.1:9/', events: ['*'] })
`

function run(program: string) {
  const flags = ['--conditions=posthorn-source', '--no-warnings', '--input-type=module-typescript']
  return spawn(process.execPath, [...flags, '--eval', prelude + program], { stdio: ['ignore', 'pipe', 'inherit'] })
}

describe.skipIf(!canStripTypes)('a process', () => {
  it('lives as long as its dispatcher is started', async () => {
    const child = run(`
      dispatcher.on('delivery.failed', () => { console.log('delivered'); void dispatcher.stop() })
      await dispatcher.start()
      await dispatcher.dispatch('a.b', {}, { delayMs: 300 })
    `)
    const [output] = await once(child.stdout, 'data')
    expect(String(output)).toContain('delivered')
    expect((await once(child, 'exit'))[0]).toBe(0)
  })

  it('ends by itself after test() and runOnce(), without a stop', { timeout: 15_000 }, async () => {
    const started = performance.now()
    const child = run(`
      await dispatcher.test(webhook.id)
      await dispatcher.dispatch('a.b', {})
      await dispatcher.runOnce()
      await dispatcher.test('01920000-0000-7000-8000-000000000000').catch(() => {})
    `)
    expect((await once(child, 'exit'))[0]).toBe(0)
    // The deadline of a test delivery, 20 s, would hold it.
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})
