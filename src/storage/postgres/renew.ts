import type { LeaseRef } from '../settlement.ts'
import type { Database } from './database.ts'
import { later } from './sql.ts'
import { isId } from '../../domain/id.ts'

/** Prolongs the leases that are live; returns their deliveries. */
export async function renew(database: Database, leases: readonly LeaseRef[], leaseMs: number): Promise<string[]> {
  const { deliveries, now } = database.names
  const holds = leases.filter(({ id, lease }) => isId(id) && isId(lease)).map(({ id, lease }) => ({ id, lease }))
  if (holds.length === 0) return []
  const rows = await database.all<{ id: string }>(
    'SELECT id FROM renewed',
    [JSON.stringify(holds), leaseMs],
    `WITH input AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(($1::text)::jsonb) AS i(id uuid, lease uuid)),
     held AS MATERIALIZED (
       SELECT d.id FROM ${deliveries} d JOIN input i ON i.id = d.id AND i.lease = d.lease
       WHERE d.id = ANY(ARRAY(SELECT id FROM input)) AND d.phase = 'leased' AND d.due_at > ${now}
       ORDER BY d.id FOR UPDATE OF d
     ),
     renewed AS (
       UPDATE ${deliveries} SET due_at = ${later(now, '$2::float8')} WHERE id = ANY(ARRAY(SELECT id FROM held)) RETURNING id
     )`,
  )
  return rows.map(({ id }) => id)
}
