import { expect } from 'vitest'
import fc from 'fast-check'
import type { NewAttempt, Settlement } from '../../src/storage/settlement.ts'
import type { Claimed } from '../../src/storage/storage.ts'
import {
  assertSame,
  heldCount,
  isClaimable,
  isDoomed,
  isDue,
  isHeld,
  nextInstantMs,
  tenantId,
  type Model,
  type ModelDelivery,
  type Real,
} from './model-state.ts'

type Step = (model: Model, real: Real) => Promise<void>

/** Every operation on deliveries, with small random arguments; the invariants are checked after each one. */
export const commandArbitraries: fc.Arbitrary<fc.AsyncCommand<Model, Real>>[] = [
  fc.record({ mask: fc.integer({ min: 1, max: 7 }), delayMs: waits(), claimLimit: fc.nat(2) }).map(enqueue),
  fc.record({ limit: fc.integer({ min: 1, max: 6 }), leaseMs: fc.constantFrom(5_000, 30_000) }).map(claim),
  fc.record({ pick: fc.nat(), leaseMs: fc.constantFrom(5_000, 30_000) }).map(claimOne),
  fc.record({ limit: fc.integer({ min: 1, max: 6 }), byMs: waits() }).map(overdue),
  fc.record({ pick: fc.nat(), outcome: outcomes(), waitMs: waits(), isRepeat: fc.boolean() }).map(settle),
  fc.record({ pick: fc.nat() }).map(renew),
  fc.constantFrom(1_000, 5_000, 30_000).map(advance),
  fc.constant(null).map(crash),
  fc.record({ pick: fc.nat() }).map(cancel),
  fc.record({ pick: fc.nat(), isOne: fc.boolean() }).map(requeue),
  fc.record({ pick: fc.nat(), isActive: fc.boolean() }).map(activate),
  fc.record({ pick: fc.nat(), forMs: fc.constantFrom(null, 5_000) }).map(gate),
  fc.record({ pick: fc.nat(), doIt: fc.nat(5) }).map(remove),
]

function waits(): fc.Arbitrary<number> {
  return fc.constantFrom(0, 0, 5_000)
}

function outcomes(): fc.Arbitrary<Settlement['outcome']> {
  return fc.constantFrom('continue', 'succeeded', 'failed', 'retry', 'release')
}

function command(name: string, args: unknown, step: Step): fc.AsyncCommand<Model, Real> {
  return {
    check: () => true,
    run: async (model, real) => {
      await step(model, real)
      await assertSame(model, real)
    },
    toString: () => `${name}(${JSON.stringify(args)})`,
  }
}

function enqueue(args: { mask: number; delayMs: number; claimLimit: number }) {
  return command('enqueue', args, async (model, real) => {
    const webhooks = model.webhooks.filter((_, index) => (args.mask & (1 << index)) !== 0)
    const event = {
      id: real.newId(),
      tenantId,
      type: 'model.stepped',
      body: '{}',
      contentType: 'application/json',
      delayMs: args.delayMs,
      deliveries: webhooks.map((webhook) => ({ id: real.newId(), webhookId: webhook.id })),
    }
    const claimFor = { leaseMs: 5_000, limit: args.claimLimit }
    const { results, claimed } = await real.storage.enqueue([event], args.claimLimit === 0 ? {} : { claimFor })
    expect(results).toEqual([{ id: event.id, status: 'accepted' }])
    for (const [index, webhook] of webhooks.entries()) {
      model.deliveries.push({
        id: event.deliveries[index]?.id ?? '',
        webhook,
        state: 'pending',
        reason: null,
        atMs: model.nowMs + args.delayMs,
        lease: null,
        attemptCount: 0,
        attemptsBefore: 0,
        trigger: 'auto',
      })
    }
    expect(claimed.length).toBeLessThanOrEqual(args.claimLimit)
    take(model, real, claimed, 5_000)
    await followCancelled(model, real)
    const again = await real.storage.enqueue([event])
    expect(again).toEqual({ results, claimed: [] })
  })
}

function claim(args: { limit: number; leaseMs: number }) {
  return command('claim', args, async (model, real) => {
    const { claimed, nextDueInMs } = await real.storage.claim(args)
    expect(claimed.length).toBeLessThanOrEqual(args.limit)
    take(model, real, claimed, args.leaseMs)
    await followCancelled(model, real)
    if (nextDueInMs === 0) return
    // Nothing more now: so nothing may be left that could be given out, or that is to be cancelled.
    if (claimed.length < args.limit) {
      expect(model.deliveries.filter((delivery) => isClaimable(model, delivery))).toEqual([])
      const doomed = model.deliveries.filter((delivery) => isDue(model, delivery) && isDoomed(delivery.webhook))
      expect(doomed).toEqual([])
    }
    const nextMs = nextInstantMs(model)
    if (nextMs !== null) expect(nextDueInMs ?? Infinity).toBeLessThanOrEqual(nextMs - model.nowMs)
  })
}

function claimOne(args: { pick: number; leaseMs: number }) {
  return command('claimOne', args, async (model, real) => {
    const wanted = pickOf(model.deliveries, args.pick)
    if (wanted === undefined) return
    const isExpected = isClaimable(model, wanted)
    const { claimed } = await real.storage.claim({ limit: 5, leaseMs: args.leaseMs, ids: [wanted.id] })
    expect(claimed.map(({ id }) => id)).toEqual(isExpected ? [wanted.id] : [])
    take(model, real, claimed, args.leaseMs)
    await followCancelled(model, real)
  })
}

function overdue(args: { limit: number; byMs: number }) {
  return command('overdue', args, async (model, real) => {
    const ids = await real.storage.overdue(args)
    await followCancelled(model, real)
    const late = model.deliveries.filter(
      (delivery) => isClaimable(model, delivery) && delivery.atMs <= model.nowMs - args.byMs,
    )
    expect(late.map(({ id }) => id)).toEqual(expect.arrayContaining([...ids]))
    const counts = model.webhooks.map((webhook) => {
      const free = webhook.maxInFlight - heldCount(model, webhook)
      return Math.min(free, late.filter((delivery) => delivery.webhook === webhook).length)
    })
    for (const [index, webhook] of model.webhooks.entries()) {
      const found = late.filter((delivery) => delivery.webhook === webhook && ids.includes(delivery.id))
      expect(found.length).toBeLessThanOrEqual(counts[index] ?? 0)
    }
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toHaveLength(
      Math.min(
        args.limit,
        counts.reduce((sum, count) => sum + count, 0),
      ),
    )
  })
}

function settle(args: { pick: number; outcome: Settlement['outcome']; waitMs: number; isRepeat: boolean }) {
  return command('settle', args, async (model, real) => {
    const hold = pickOf(real.holds, args.pick)
    const delivery = model.deliveries.find(({ id }) => id === hold?.id)
    if (hold === undefined || delivery === undefined) return
    const settlement = settlementOf(hold, delivery, args.outcome, args.waitMs)
    const settled = await real.storage.settle([settlement])
    const isOwn = delivery.lease === hold.lease
    // Whether a lease that ran out and that nobody took over still counts is left to the adapter.
    if (!isOwn) expect(settled).toEqual([])
    else if (isHeld(model, delivery)) expect(settled.length).toBe(1)
    if (settled.length > 0) apply(model, delivery, settlement)
    expect(settled).toEqual(settled.length === 0 ? [] : [{ id: delivery.id, state: delivery.state }])
    if (args.isRepeat && settlement.outcome !== 'continue') {
      expect(await real.storage.settle([settlement])).toEqual([])
    }
  })
}

function renew(args: { pick: number }) {
  return command('renew', args, async (model, real) => {
    const hold = pickOf(real.holds, args.pick)
    const delivery = model.deliveries.find(({ id }) => id === hold?.id)
    if (hold === undefined || delivery === undefined) return
    const isLive = delivery.lease === hold.lease && isHeld(model, delivery)
    expect(await real.storage.renew([hold], 30_000)).toEqual(isLive ? [delivery.id] : [])
    if (isLive) delivery.atMs = model.nowMs + 30_000
  })
}

function advance(ms: number) {
  return command('advance', ms, async (model, real) => {
    model.nowMs += ms
    real.advance(ms)
  })
}

function crash() {
  return command('crash', null, async (_, real) => {
    real.holds = []
  })
}

function cancel(args: { pick: number }) {
  return command('cancel', args, async (model, real) => {
    const webhook = pickOf(model.webhooks, args.pick)
    if (webhook === undefined) return
    await eachChunk((cursor) =>
      real.storage.cancel({ tenantId, webhookId: webhook.id, reason: 'manual', limit: 2, ...cursor }),
    )
    for (const delivery of model.deliveries) {
      if (delivery.webhook === webhook && delivery.state === 'pending' && !isHeld(model, delivery)) {
        end(delivery, 'cancelled', 'manual')
      }
    }
  })
}

function requeue(args: { pick: number; isOne: boolean }) {
  return command('requeue', args, async (model, real) => {
    const picked = pickOf(model.deliveries, args.pick)
    if (picked === undefined) return
    const selection = args.isOne ? { ids: [picked.id] } : { state: 'failed' as const }
    await eachChunk((cursor) => real.storage.requeue({ tenantId, ...selection, limit: 2, ...cursor }))
    for (const delivery of model.deliveries) {
      const isSelected = args.isOne ? delivery === picked : delivery.state === 'failed'
      if (!isSelected || delivery.state === 'pending') continue
      Object.assign(delivery, { state: 'pending', reason: null, atMs: model.nowMs, trigger: 'manual' })
      delivery.attemptsBefore = delivery.attemptCount
    }
  })
}

function activate(args: { pick: number; isActive: boolean }) {
  return command('activate', args, async (model, real) => {
    const webhook = pickOf(model.webhooks, args.pick)
    if (webhook === undefined) return
    const updated = await real.storage.updateWebhook(webhook.id, tenantId, { isActive: args.isActive })
    expect(updated === null).toBe(webhook.isDeleted)
    if (!webhook.isDeleted) webhook.isActive = args.isActive
  })
}

function gate(args: { pick: number; forMs: number | null }) {
  return command('gate', args, async (model, real) => {
    const webhook = pickOf(model.webhooks, args.pick)
    if (webhook === undefined) return
    await real.storage.gate(webhook.id, args.forMs)
    webhook.gateUntilMs = args.forMs === null ? 0 : model.nowMs + args.forMs
  })
}

function remove(args: { pick: number; doIt: number }) {
  return command('remove', args, async (model, real) => {
    const webhook = pickOf(model.webhooks, args.pick)
    // Rarely: what is deleted stays so for the rest of the run.
    if (webhook === undefined || args.doIt !== 0) return
    expect(await real.storage.deleteWebhook(webhook.id, tenantId)).toBe(!webhook.isDeleted)
    webhook.isDeleted = true
  })
}

function take(model: Model, real: Real, claimed: readonly Claimed[], leaseMs: number): void {
  for (const given of claimed) {
    const delivery = model.deliveries.find(({ id }) => id === given.id)
    expect(delivery !== undefined && isClaimable(model, delivery), `${given.id} may be given out`).toBe(true)
    if (delivery === undefined) continue
    expect(real.holds.filter(({ id }) => id === given.id).map(({ lease }) => lease)).not.toContain(given.lease)
    const { attemptCount, attemptsBefore, trigger } = delivery
    expect(given).toMatchObject({ attemptCount, attemptsBefore, trigger, webhook: { id: delivery.webhook.id } })
    delivery.lease = given.lease
    delivery.atMs = model.nowMs + leaseMs
    real.holds.push(given)
  }
}

/** What nobody holds of a webhook that is not active is cancelled when it is met: when that is, is the adapter's affair. */
async function followCancelled(model: Model, real: Real): Promise<void> {
  for (const delivery of model.deliveries) {
    if (delivery.state !== 'pending' || isHeld(model, delivery) || !isDoomed(delivery.webhook)) continue
    const stored = await real.storage.getDelivery(delivery.id, tenantId)
    if (stored?.state === 'cancelled') end(delivery, 'cancelled', delivery.webhook.isDeleted ? 'deleted' : 'disabled')
  }
}

function settlementOf(
  hold: Claimed,
  delivery: ModelDelivery,
  outcome: Settlement['outcome'],
  waitMs: number,
): Settlement {
  const { id, lease } = hold
  const attempt: NewAttempt = {
    number: delivery.attemptCount + 1,
    trigger: 'auto',
    startedAt: new Date(0),
    durationMs: 1,
    status: 500,
    error: null,
    responseHeaders: {},
    responseBody: '',
  }
  if (outcome === 'continue') return { id, lease, outcome, attempt, leaseMs: 5_000 }
  if (outcome === 'succeeded') return { id, lease, outcome, attempt }
  if (outcome === 'failed') return { id, lease, outcome, attempt, reason: 'exhausted' }
  if (outcome === 'retry') return { id, lease, outcome, attempt, retryInMs: waitMs }
  return { id, lease, outcome, retryInMs: waitMs }
}

function apply(model: Model, delivery: ModelDelivery, settlement: Settlement): void {
  if (settlement.outcome !== 'release') delivery.attemptCount++
  if (settlement.outcome === 'succeeded') return end(delivery, 'succeeded', null)
  if (settlement.outcome === 'failed') return end(delivery, 'failed', settlement.reason)
  if (isDoomed(delivery.webhook)) return end(delivery, 'cancelled', delivery.webhook.isDeleted ? 'deleted' : 'disabled')
  if (settlement.outcome === 'continue') {
    delivery.atMs = model.nowMs + settlement.leaseMs
  } else {
    delivery.lease = null
    delivery.atMs = model.nowMs + settlement.retryInMs
  }
}

function end(delivery: ModelDelivery, state: 'succeeded' | 'failed' | 'cancelled', reason: string | null): void {
  Object.assign(delivery, { state, reason, lease: null, atMs: Infinity })
}

async function eachChunk(call: (cursor: { cursor?: string }) => Promise<{ nextCursor: string | null }>): Promise<void> {
  let cursor: { cursor?: string } = {}
  for (let count = 0; count < 200; count++) {
    const { nextCursor } = await call(cursor)
    if (nextCursor === null) return
    cursor = { cursor: nextCursor }
  }
  throw new Error('200 chunks and no end')
}

function pickOf<T>(values: readonly T[], pick: number): T | undefined {
  return values.length === 0 ? undefined : values[pick % values.length]
}
