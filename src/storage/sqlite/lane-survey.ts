import type { Now } from '../steady-clock.ts'
import { cancelReady } from './cancel-ready.ts'
import type { Connection } from './connection.ts'
import type { LaneRotation } from './lane-rotation.ts'
import { isGated, type Lane, readyLanes } from './lane.ts'

// Bounds on one call, so that it takes milliseconds whatever the backlog.
const maxLanes = 200
const maxCancelled = 500

/** The lanes that were met, and what became of those that are shut. */
export interface Survey {
  /** Those of which something may be given out. */
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
  // At first as many as would do if all were open.
  const probe = rotation.probe(maxLanes, limit, (after, upTo, count) =>
    readyLanes(connection, { after, upTo, count }, now.dueMs),
  )
  let step = probe.next()
  for (; step.done !== true; step = probe.next()) {
    const { webhookId, lane } = step.value
    if (lane === null || !lane.webhook.isActive) {
      const reason = lane === null ? 'deleted' : 'disabled'
      cancelled += cancelReady(connection, webhookId, reason, maxCancelled - cancelled, now.wallMs)
      if (cancelled === maxCancelled) break
    } else if (isGated(lane.webhook, now.dueMs)) {
      wakeAt = Math.min(Number(lane.webhook.gateUntil), wakeAt ?? Infinity)
    } else if (isWanted(webhookId)) {
      if (lane.free > 0) lanes.push(lane)
      if (lanes.length === limit) break
    }
  }
  return { lanes, cancelled, wakeAt, isWhole: step.done === true && step.value }
}
