import type { Now } from '../steady-clock.ts'
import type { StoredWebhook } from '../storage.ts'
import { cancelReady } from './cancel-ready.ts'
import type { Connection } from './connection.ts'
import type { LaneRotation } from './lane-rotation.ts'
import { freeSlots } from './lease.ts'
import { findWebhook } from './webhooks.ts'

// Bounds on one call, so that it takes milliseconds whatever the backlog.
const maxLanes = 200
const maxCancelled = 500

/** A webhook of which something may be given out. */
export interface Lane {
  readonly webhook: StoredWebhook
  /** How many more may be leased; 0 also once nothing more is ready. */
  free: number
}

/** The lanes that were met, and what became of those that are shut. */
export interface Survey {
  readonly lanes: Lane[]
  readonly cancelled: number
  /** When the first gate met opens. */
  readonly wakeAt: number | null
  /** Whether all lanes were met. */
  readonly isWhole: boolean
}

/** Goes on round the lanes until `limit` have free slots, past those that are not wanted, and cancels what is ready of webhooks that are not active. */
export function surveyLanes(
  connection: Connection,
  rotation: LaneRotation,
  limit: number,
  now: Now,
  isWanted: (webhookId: string) => boolean = () => true,
): Survey {
  const lanes: Lane[] = []
  let cancelled = 0
  let wakeAt: number | null = null
  const probe = rotation.probe(maxLanes)
  let step = probe.next()
  for (; step.done !== true; step = probe.next()) {
    const webhook = findWebhook(connection, step.value)
    if (webhook === null || !webhook.isActive) {
      const reason = webhook === null ? 'deleted' : 'disabled'
      cancelled += cancelReady(connection, step.value, reason, maxCancelled - cancelled, now.wallMs)
      if (cancelled === maxCancelled) break
    } else if (webhook.gateUntil !== null && webhook.gateUntil.getTime() > now.dueMs) {
      wakeAt = Math.min(webhook.gateUntil.getTime(), wakeAt ?? Infinity)
    } else if (isWanted(step.value)) {
      const free = freeSlots(connection, webhook, now.dueMs)
      if (free > 0) lanes.push({ webhook, free })
      if (lanes.length === limit) break
    }
  }
  return { lanes, cancelled, wakeAt, isWhole: step.done === true && step.value }
}
