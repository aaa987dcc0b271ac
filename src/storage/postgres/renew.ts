import type { LeaseRef } from '../settlement.ts'
import type { Database } from './database.ts'
import { later } from './sql.ts'
import { answerRows, StoredFunction } from './stored-function.ts'
import { isId } from '../../domain/id.ts'

/** Prolongs the leases that are live; returns their deliveries. */
export async function renew(database: Database, leases: readonly LeaseRef[], leaseMs: number): Promise<string[]> {
  const holds = leases.filter(({ id, lease }) => isId(id) && isId(lease)).map(({ id, lease }) => ({ id, lease }))
  if (holds.length === 0) return []
  const renewed = await database.call<{ id: string }[]>(renewFunction, [JSON.stringify(holds), leaseMs])
  return renewed.map(({ id }) => id)
}

/** Prolongs the leases `$1` by `$2` ms. As in settling, the lease says that its delivery is leased. */
export const renewFunction = new StoredFunction('renew', ['text', 'float8'], ({ deliveries, now }) =>
  answerRows(
    'SELECT id FROM renewed',
    `WITH input AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($1::jsonb) AS i(id uuid, lease uuid)),
     held AS MATERIALIZED (
       SELECT d.id FROM ${deliveries} d JOIN input i ON i.id = d.id AND i.lease = d.lease
       WHERE d.id = ANY(ARRAY(SELECT id FROM input)) AND d.due_at > ${now}
       ORDER BY d.id FOR UPDATE OF d
     ),
     renewed AS (
       UPDATE ${deliveries} SET due_at = ${later(now, '$2')} WHERE id = ANY(ARRAY(SELECT id FROM held)) RETURNING id
     )`,
  ),
)
