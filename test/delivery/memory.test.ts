import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

describe('10,000 dispatches through memory storage', () => {
  // The run is TypeScript in a process of its own; Node 20 does not strip types.
  it.skipIf(process.features.typescript === false || process.features.typescript === undefined)(
    'leave memory flat',
    { timeout: 120_000 },
    async () => {
      const script = new URL('./memory-run.ts', import.meta.url).pathname
      const flags = ['--expose-gc', '--conditions=posthorn-source', '--no-warnings']
      const { stdout } = await promisify(execFile)(process.execPath, [...flags, script], { timeout: 110_000 })
      const { received, heapMiB } = JSON.parse(stdout) as { received: number[]; heapMiB: number[] } // printed by the script
      expect(received).toEqual([10_000, 10_000, 10_000])
      const [first = 0, , last = 0] = heapMiB
      // History is bounded, so the second and third ten thousand add nothing; a leak of 1 KiB for each would be 20 MiB.
      expect(last - first).toBeLessThan(8)
    },
  )
})
