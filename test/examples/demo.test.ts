import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildPackage } from '../support/built-package.ts'
import { runExample, temporaryFolder } from './program.ts'

const timeout = 90_000
const eventTypes = [
  'workflow.created',
  'workflow.updated',
  'execution.started',
  'execution.completed',
  'execution.failed',
  'checkpoint.pending',
]

beforeAll(buildPackage, timeout)

describe('npm run demo', { timeout }, () => {
  it('delivers every type, recovers from SIGKILL, prints both as tables, and exits with 0', async () => {
    const { demo, folder } = runDemo()
    expect(await demo.ended, demo.output()).toBe(0)
    expect(readdirSync(folder)).toEqual([])

    const output = demo.output()
    expect(output).not.toContain('FAILED')
    expect(output.match(/^ {2}ok /gm)).toHaveLength(9)
    expect(output.match(/^ {2}webhook +event type +state +attempts +answers$/gm)).toHaveLength(2)
    for (const type of eventTypes) expect(output).toMatch(row('steady', type, 'succeeded', 204))
    expect(output).toMatch(row('flaky', 'execution.completed', 'succeeded', 503, 503, 204))
    expect(output).toMatch(row('failing', 'execution.failed', 'failed', 500, 500, 500, 500))

    const [, done, left] = /killed with (\d+) delivered and (\d+) not/.exec(output) ?? []
    expect([Number(done) > 0, Number(left) > 0, Number(done) + Number(left)]).toEqual([true, true, 12])
    expect(output.match(/^ {2}slow +execution.started +succeeded +1 +204 /gm)).toHaveLength(6)
  })

  it.each([
    ['secret', ['the receiver verified both signatures of every request', 'none was lost: all 12 are delivered']],
    ['flaky', ['the flaky receiver succeeded at the third try']],
    ['failing', ['the failing receiver failed after 4 requests', 'the failing receiver got no fifth request']],
    ['restart', ['none was lost: all 12 are delivered']],
  ])('exits with 1 and says what failed where DEMO_FAULT is %s', async (fault, failed) => {
    const { demo, folder } = runDemo({ DEMO_FAULT: fault })
    expect(await demo.ended, demo.output()).toBe(1)
    for (const expectation of failed) expect(demo.output()).toContain(`FAILED  ${expectation}`)
    expect(demo.output()).toContain('The demo FAILED')
    expect(readdirSync(folder)).toEqual([])
  })

  it('refuses a fault that it does not know', async () => {
    const { demo } = runDemo({ DEMO_FAULT: 'sekret' })
    expect(await demo.ended).toBe(1)
    expect(demo.output()).toContain('DEMO_FAULT must be one of secret, flaky, failing, restart, hang, not sekret.')
  })
})

// The processes of others are read from /proc, which only Linux has.
describe.runIf(existsSync('/proc/self/status'))('npm run demo, when it is ended early', { timeout }, () => {
  it('kills its processes and removes its files when its time is up', { timeout: 30_000 }, async () => {
    const { demo, folder } = runDemo({ DEMO_FAULT: 'hang', DEMO_LIMIT_MS: '3000' })
    const children = await childrenOf(demo.pid, 2)
    expect(await demo.ended).toBe(1)
    expect(demo.output()).toMatch(/The demo FAILED\. .*timeout/)
    expect(readdirSync(folder)).toEqual([])
    expect(children.filter(isRunning)).toEqual([])
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('does so after %s', { timeout: 30_000 }, async (signal) => {
    const { demo, folder } = runDemo({ DEMO_FAULT: 'hang' })
    const children = await childrenOf(demo.pid, 2)
    demo.kill(signal)
    expect(await demo.ended).toBe(1)
    expect(demo.output()).toContain(`The demo was ended by ${signal}.`)
    expect(readdirSync(folder)).toEqual([])
    expect(children.filter(isRunning)).toEqual([])
  })

  it('leaves no process behind when it is killed itself', async () => {
    const { demo } = runDemo()
    const children = await childrenOf(demo.pid, 2)
    demo.kill('SIGKILL')
    await demo.ended
    expect(await within(10_000, () => children.every((pid) => !isRunning(pid)))).toBe(true)
  })
})

function runDemo(env: Readonly<Record<string, string>> = {}) {
  const folder = `${temporaryFolder()}/tmp`
  mkdirSync(folder)
  return { demo: runExample('demo/demo.ts', { TMPDIR: folder, ...env }), folder }
}

function row(webhook: string, type: string, state: string, ...answers: number[]): RegExp {
  const times = answers.map((answer) => `${answer} \\(\\d+ ms\\)`).join(', ')
  return new RegExp(`^ {2}${webhook} +${type} +${state} +${answers.length} +${times}$`, 'm')
}

/** Waits until a process has `count` children. */
async function childrenOf(pid: number, count: number): Promise<number[]> {
  let children: number[] = []
  await within(10_000, () => {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
    return children.length >= count
  })
  expect(children.length).toBeGreaterThanOrEqual(count)
  return children
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false // no such process
  }
}

async function within(limitMs: number, isTrue: () => boolean): Promise<boolean> {
  for (const endsAt = Date.now() + limitMs; Date.now() < endsAt; await sleep(5)) if (isTrue()) return true
  return isTrue()
}
