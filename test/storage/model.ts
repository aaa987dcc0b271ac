import { expect } from 'vitest'
import fc from 'fast-check'
import type { Storage } from '../../src/storage/storage.ts'
import { commandArbitraries } from './model-commands.ts'
import { type Model, type ModelWebhook, type Real, tenantId } from './model-state.ts'

/** Runs random sequences of operations against a storage and the model, for at most `timeLimitMs`; fast-check prints the seed of a failure. */
export async function assertFollowsModel(
  createStorage: (options: { clock: () => number }) => Storage,
  timeLimitMs = 5_000,
): Promise<void> {
  let runCount = 0
  const property = fc.asyncProperty(
    fc.commands(commandArbitraries, { maxCommands: 60, size: 'max' }),
    async (commands) => {
      runCount++
      let storage: Storage | undefined
      const setup = async () => {
        const started = await start(createStorage)
        storage = started.real.storage
        return started
      }
      try {
        await fc.asyncModelRun(setup, commands)
      } finally {
        await storage?.close()
      }
    },
  )
  await fc.assert(property, { numRuns: 2_000, interruptAfterTimeLimit: timeLimitMs, markInterruptAsFailure: false })
  // On a busy machine PGlite gets through few.
  expect(runCount).toBeGreaterThan(1)
}

async function start(
  createStorage: (options: { clock: () => number }) => Storage,
): Promise<{ model: Model; real: Real }> {
  const model: Model = { nowMs: Date.UTC(2026, 0, 1), webhooks: [], deliveries: [] }
  // The storage's clock is moved beside the model's, never read from it: a command may fail half-way.
  let nowMs = model.nowMs
  let idCount = 0
  const real: Real = {
    storage: createStorage({ clock: () => nowMs }),
    newId: () => `019b7600-0000-7000-8000-${(++idCount).toString(16).padStart(12, '0')}`,
    advance: (ms) => (nowMs += ms),
    holds: [],
  }
  await real.storage.open()
  for (const maxInFlight of [1, 2, 50]) {
    const webhook = { id: real.newId(), maxInFlight, isActive: true, isDeleted: false, gateUntilMs: 0 }
    model.webhooks.push(webhook)
    await insert(real, webhook)
  }
  return { model, real }
}

async function insert(real: Real, webhook: ModelWebhook): Promise<void> {
  await real.storage.insertWebhook({
    id: webhook.id,
    tenantId,
    name: 'model',
    url: 'https://receiver.example/',
    events: ['*'],
    isActive: true,
    disabledReason: null,
    description: null,
    metadata: {},
    sealed: 'sealed',
    maxInFlight: webhook.maxInFlight,
    gateUntil: null,
    createdBy: null,
    version: 1,
    createdAt: new Date(0),
    updatedAt: new Date(0),
  })
}
