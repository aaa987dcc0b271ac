import * as bullmq6 from 'bullmq'
import * as bullmq5 from 'bullmq-5'
import type { BullMq } from 'posthorn/bullmq'

/** The majors of BullMQ that the suites run on. */
export const majors: readonly { readonly name: string; readonly bullmq: BullMq }[] = [
  { name: 'BullMQ 6', bullmq: bullmq6 },
  { name: 'BullMQ 5', bullmq: bullmq5 },
]
