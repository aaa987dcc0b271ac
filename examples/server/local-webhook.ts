import type { Webhook, WebhookRegistry } from 'posthorn'
import type { events } from '../events.ts'

const name = 'local receiver'

/** Finds the webhook of the local receiver, or registers it; one that an earlier run left is moved to the URL of this one. */
export async function registerLocalReceiver(
  registry: WebhookRegistry<typeof events.schemas>,
  url: string,
): Promise<Webhook> {
  const webhook = await findByName(registry)
  if (webhook === null) return await registry.create({ name, url, events: ['*'] })
  return webhook.url === url ? webhook : await registry.update(webhook.id, { url })
}

async function findByName(registry: WebhookRegistry<typeof events.schemas>): Promise<Webhook | null> {
  let page = await registry.list({ limit: 100 })
  for (;;) {
    const found = page.data.find((webhook) => webhook.name === name)
    if (found !== undefined) return found
    if (page.nextCursor === null) return null
    page = await registry.list({ limit: 100, cursor: page.nextCursor })
  }
}
