import type { Stage } from './stage.ts'

// Of two clocks that are one, each cut off to the millisecond.
const toleranceMs = 5

/** What a database holds in the end that it must not. Each is a count, and must be 0. */
export interface Audit {
  /** Deliveries that did not succeed, though their receiver answers 2xx before their attempts are used up. */
  readonly unfinished: number
  /** Deliveries whose count of attempts is not the number of attempts on record. */
  readonly miscounted: number
  /** Deliveries whose attempts are not numbered from 1 without a gap. */
  readonly gaps: number
  /** Deliveries of which not exactly the last attempt succeeded. */
  readonly inconsistent: number
  /** Deliveries whose state and last attempt were not written in the same instant. */
  readonly writtenApart: number
  /** Changes of deliveries that were final. */
  readonly changesAfterEnd: number
  /** Attempts that were recorded under a hold that is younger than they are: by a worker that had lost its own. */
  readonly recordedByOthersHold: number
}

/** Looks for what must not be, whatever was done to the processes. */
export async function audit(stage: Stage): Promise<Audit> {
  const { deliveries: d, attempts: a, holds: h, changes } = stage.tables
  const ms = stage.milliseconds
  const count = async (from: string) =>
    Number((await stage.query(`SELECT count(*) AS count FROM ${from}`))[0]?.['count'])
  const perDelivery = (having: string) => `(SELECT delivery_id FROM ${a} a GROUP BY delivery_id HAVING ${having}) g`
  const recorded = `SELECT count(*) FROM ${a} a WHERE a.delivery_id = d.id`
  const succeeded = `SELECT min(a.number) + max(a.number) FROM ${a} a WHERE a.delivery_id = d.id AND a.status BETWEEN 200 AND 299`
  const lastWritten = `SELECT max(a.recorded_at) FROM ${a} a WHERE a.delivery_id = d.id`
  return {
    unfinished: await count(`${d} d WHERE d.phase <> 'succeeded'`),
    miscounted: await count(`${d} d WHERE d.attempt_count <> (${recorded})`),
    gaps: await count(perDelivery('min(a.number) <> 1 OR max(a.number) <> count(*)')),
    inconsistent: await count(
      `${d} d WHERE d.phase = 'succeeded' AND coalesce((${succeeded}), 0) <> 2 * d.attempt_count`,
    ),
    writtenApart: await count(`${d} d WHERE d.phase = 'succeeded' AND d.finished_at <> (${lastWritten})`),
    changesAfterEnd: await count(changes),
    recordedByOthersHold: await count(
      `${a} a WHERE EXISTS (SELECT 1 FROM ${h} h WHERE h.delivery_id = a.delivery_id
         AND ${ms('h.held_at')} > ${ms('a.started_at')} + ${toleranceMs} AND h.held_at < a.recorded_at)`,
    ),
  }
}
