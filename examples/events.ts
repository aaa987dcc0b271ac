/**
 * The event types of the demo and of the server, each with the schema of its data: `dispatch` takes nothing else, at compile time
 * and at run time. The schemas here are zod's; those of valibot, arktype and every other Standard Schema library do as well.
 */
import { defineEvents } from 'posthorn'
import { z } from 'zod'

const workflowId = z.string()
const executionId = z.string()

export const events = defineEvents({
  'workflow.created': z.object({ workflowId, name: z.string() }),
  'workflow.updated': z.object({ workflowId, changed: z.array(z.string()) }),
  'execution.started': z.object({ executionId, workflowId }),
  'execution.completed': z.object({ executionId, durationMs: z.number() }),
  'execution.failed': z.object({ executionId, error: z.string() }),
  'checkpoint.pending': z.object({ executionId, checkpoint: z.string() }),
})
