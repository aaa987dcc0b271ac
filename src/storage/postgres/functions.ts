import { claimIdsFunction } from './claim-ids.ts'
import { claimFunction } from './claim.ts'
import { enqueueFunctions } from './enqueue-function.ts'
import { optimisticEnqueueFunction } from './optimistic-enqueue.ts'
import { optimisticSettleFunction } from './optimistic-settle.ts'
import { promoteFunction } from './promote.ts'
import { renewFunction } from './renew.ts'
import { settleFunction } from './settle.ts'
import type { StoredFunction } from './stored-function.ts'
import { matchFunction } from './webhooks.ts'

// Those of version 3 of the schema; what is called by another stands before it.
const functions: readonly StoredFunction[] = [
  matchFunction,
  ...Object.values(enqueueFunctions),
  optimisticEnqueueFunction,
  promoteFunction,
  claimFunction,
  claimIdsFunction,
  renewFunction,
  settleFunction,
  optimisticSettleFunction,
]

/** The statements that create all functions in a schema. */
export function creatingFunctions(schema: string): string {
  return functions.map((each) => each.creating(schema)).join('\n')
}
