// An app with fifty webhooks that all want the same events. One of them may hang.
import { setTimeout as pause } from 'node:timers/promises'
import { eventData, eventType } from '../contenders/payload.ts'
import { type App, createApp } from '../harness/app.ts'
import { serve } from '../harness/serve.ts'

/** Tenants with and without a webhook that hangs. */
export const tenants = { quiet: 'quiet', noisy: 'noisy' } as const

let app: App | undefined

serve(
  {
    create: async ({
      storage,
      url,
      webhooks,
    }: {
      readonly storage: string
      readonly url: string
      readonly webhooks: number
    }) => {
      // As an app would have it, with a timeout that lets a benchmark end.
      app = await createApp(storage, { timeoutMs: 5_000, retry: { retries: 3 } }, { toleratesFailures: true })
      for (const tenantId of Object.values(tenants)) {
        for (let number = 0; number < webhooks; number++) {
          const path = tenantId === tenants.noisy && number === 0 ? 'hang' : 'hook'
          await app.registry.create({ name: `w${number}`, url: `${url}/${path}`, events: ['*'] }, { tenantId })
        }
      }
      await app.dispatcher.start()
    },
    /** Dispatches at an even pace; resolves some time after the last, for what hangs is not waited for. */
    round: async ({
      tenantId,
      events,
      rate,
    }: {
      readonly tenantId: string
      readonly events: number
      readonly rate: number
    }) => {
      if (app === undefined) throw new Error('create comes first.')
      const started = performance.now()
      for (let number = 0; number < events; number++) {
        await pause(Math.max(0, started + (number / rate) * 1000 - performance.now()))
        await app.dispatcher.dispatch(
          eventType,
          { at: process.hrtime.bigint().toString(), ...eventData(number) },
          { tenantId },
        )
      }
      await pause(500)
    },
    /** Gives up what hangs, so that a round begins with nothing under way. */
    settle: async () => {
      await app?.dispatcher.stop({ timeoutMs: 0 })
      const { registry, dispatcher } = app ?? {}
      if (registry === undefined || dispatcher === undefined) return
      const tenantId = tenants.noisy
      const { data } = await registry.list({ tenantId, limit: 100 })
      const hanging = data.find(({ url }) => url.endsWith('/hang'))
      if (hanging !== undefined) {
        await registry.disable(hanging.id, { tenantId })
        await registry.enable(hanging.id, { tenantId })
      }
      await dispatcher.start()
    },
  },
  async () => await app?.close(),
)
