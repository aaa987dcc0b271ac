import type { Connection } from './connection.ts'
import { findLanes, isGated, type Lane } from './lane.ts'

/**
 * The webhooks that the deliveries of a batch go to. They are read with their slots, some at a time, only as long as there is something to lease:
 * of ten thousand most are only asked whether they are there.
 */
export class BatchLanes {
  readonly #connection: Connection
  readonly #nowMs: number
  readonly #ids: readonly string[]
  readonly #lanes = new Map<string, Lane | null>()
  #tenants: ReadonlyMap<string, string> | undefined

  /** `webhookIds` are in the order in which they will be asked for. */
  constructor(connection: Connection, webhookIds: Iterable<string>, nowMs: number) {
    this.#connection = connection
    this.#ids = [...new Set(webhookIds)]
    this.#nowMs = nowMs
  }

  /** A webhook with its slots, none where it is not active or gated; null where it is gone or another tenant's. Reads `ahead` of them at once. */
  open(webhookId: string, tenantId: string, ahead: number): Lane | null {
    while (!this.#lanes.has(webhookId) && this.#lanes.size < this.#ids.length) this.#readMore(ahead)
    const lane = this.#lanes.get(webhookId)
    return lane?.webhook.tenantId === tenantId ? lane : null
  }

  /** Whether a webhook is there, and of this tenant. */
  has(webhookId: string, tenantId: string): boolean {
    const lane = this.#lanes.get(webhookId)
    if (lane !== undefined) return lane?.webhook.tenantId === tenantId
    this.#tenants ??= readTenants(this.#connection, this.#ids.slice(this.#lanes.size))
    return this.#tenants.get(webhookId) === tenantId
  }

  #readMore(count: number): void {
    const ids = this.#ids.slice(this.#lanes.size, this.#lanes.size + count)
    const found = findLanes(this.#connection, ids, this.#nowMs)
    for (const id of ids) {
      const lane = found.get(id) ?? null
      if (lane !== null && (!lane.webhook.isActive || isGated(lane.webhook, this.#nowMs))) lane.free = 0
      this.#lanes.set(id, lane)
    }
  }
}

function readTenants(connection: Connection, webhookIds: readonly string[]): Map<string, string> {
  const rows = connection.all<{ readonly id: string; readonly tenant_id: string }>(
    'SELECT w.id, w.tenant_id FROM json_each(?) wanted CROSS JOIN posthorn_webhooks w ON w.id = wanted.value',
    JSON.stringify(webhookIds),
  )
  return new Map(rows.map((row) => [row.id, row.tenant_id]))
}
