import type { Storage } from 'posthorn'
import { WebhookRegistry } from 'posthorn'
import { loopback } from './loopback.ts'
import type { StoreLocation } from './sender-task.ts'

/** The database of a run as seen from outside: what it holds in the end, and what changed on the way. */
export interface Stage {
  readonly location: StoreLocation
  /** Runs a statement and resolves to its rows. */
  query(sql: string): Promise<Record<string, unknown>[]>
  /** The tables. Of the harness: `changes`, each change of a final delivery; `holds`, each claim; `orders`, the rows of an app. */
  readonly tables: Readonly<Record<'events' | 'deliveries' | 'attempts' | 'changes' | 'holds' | 'orders', string>>
  /** An instant as milliseconds since 1970, in SQL. */
  milliseconds(column: string): string
  /** What the database says about itself: `ok`. */
  integrity(): Promise<string>
  close(): Promise<void>
}

/** What a stage is set up with. */
export interface StageOptions {
  /** Where the webhooks deliver to. */
  readonly url: string
  readonly webhooks: number
  readonly maxInFlight: number
}

/** Registers the webhooks of a run: one for each type of event. */
export async function createWebhooks(storage: Storage, { url, webhooks, maxInFlight }: StageOptions): Promise<void> {
  const registry = new WebhookRegistry({ storage, addresses: loopback })
  for (let n = 0; n < webhooks; n++) {
    await registry.create({ name: `chaos ${n}`, url, events: [`chaos.w${n}`], maxInFlight })
  }
}

/** Whether a row is in a state that it never leaves, in SQL. */
export const isFinal = (row: string) => `${row}.phase IN ('succeeded', 'failed', 'cancelled', 'skipped')`
