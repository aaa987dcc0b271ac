import type { LeaseRef } from '../settlement.ts'
import type { Connection } from './connection.ts'

/** Prolongs the leases that are live; returns their deliveries. */
export function renew(connection: Connection, leases: readonly LeaseRef[], leaseMs: number, now: number): string[] {
  return leases
    .filter(({ id, lease }) => {
      const renewed = connection.run(
        `UPDATE posthorn_deliveries SET lease_until = ? WHERE id = ? AND phase = 'leased' AND lease = ? AND lease_until > ?`,
        now + leaseMs,
        id,
        lease,
        now,
      )
      return renewed > 0
    })
    .map(({ id }) => id)
}
