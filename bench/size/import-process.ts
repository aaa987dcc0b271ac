// Imports one module, of a process that has imported nothing else, and says how long that took.
import { serve } from '../harness/serve.ts'

serve({
  import: async (specifier: string) => {
    const started = performance.now()
    await import(specifier)
    return performance.now() - started
  },
})
