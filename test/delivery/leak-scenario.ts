import { randomBytes } from 'node:crypto'
import { loopback } from '../support/loopback.ts'
import {
  EventDispatcher,
  generateSecret,
  keyring,
  WebhookRegistry,
  type LifecycleEvents,
  type Scheme,
  type Storage,
} from 'posthorn'
import { createWebhookApi, type WebhookApi } from 'posthorn/http'
import { sqliteStorage } from 'posthorn/sqlite'
import { printed } from './leak-places.ts'

/** What is configured. */
export interface ScenarioOptions {
  readonly file: string
  readonly url: string
  readonly keys: number
  readonly schemes: readonly Scheme[]
  readonly headers: Readonly<Record<string, string>>
}

export const stepNames = [
  'dispatch',
  'test',
  'rotate',
  'headers',
  'replace',
  'invalid',
  'damage',
  'resend',
  'reseal',
] as const
export type StepName = (typeof stepNames)[number]

const lifecycle: readonly (keyof LifecycleEvents)[] = [
  'delivery.attempted',
  'delivery.succeeded',
  'delivery.failed',
  'delivery.cancelled',
  'delivery.lost',
  'delivery.blocked',
  'webhook.disabled',
  'worker.error',
]

/** One app with one webhook, and everything that it showed. */
export class Scenario {
  readonly storage: Storage
  readonly dispatcher: EventDispatcher
  /** Every secret there was, and every header's value. */
  readonly secrets: string[] = []
  readonly values: string[]
  readonly seen: string[] = []
  id = ''
  readonly #registry: WebhookRegistry
  readonly #api: WebhookApi
  readonly #input: { readonly name: string; readonly url: string; readonly events: readonly string[] }
  readonly #headers: Readonly<Record<string, string>>

  constructor({ file, url, keys, schemes, headers }: ScenarioOptions) {
    const ring = keyring(Object.fromEntries(Array.from({ length: keys }, (_, n) => [`k${n}`, randomBytes(32)])))
    this.storage = sqliteStorage(file)
    this.#registry = new WebhookRegistry({ storage: this.storage, encryption: ring, addresses: loopback })
    const retry = { retries: 1, minTimeout: 1, maxTimeout: 1 }
    this.dispatcher = new EventDispatcher({ registry: this.#registry, schemes, retry, timeoutMs: 2_000 })
    for (const name of lifecycle) this.dispatcher.on(name, (event) => this.#see(event))
    const onError = (error: unknown) => this.#see(error)
    this.#api = createWebhookApi({ registry: this.#registry, dispatcher: this.dispatcher, authorize: 'none', onError })
    this.#input = { name: 'a', url, events: ['*'] }
    this.#headers = headers
    this.values = Object.values(headers)
    this.#see([this.#registry, this.dispatcher, this.#api, ring, this.storage])
  }

  async create(): Promise<void> {
    const secret = generateSecret()
    this.secrets.push(secret)
    this.id = (await this.#call('POST', '/webhooks', { ...this.#input, secret, headers: this.#headers })).id ?? ''
  }

  async step(name: StepName): Promise<void> {
    await this.#steps[name]()
    await this.dispatcher.drain()
  }

  /** Reads everything that can be read. */
  async readAll(): Promise<void> {
    await this.#call('GET', '/webhooks')
    await this.#call('GET', `/webhooks/${this.id}`)
    await this.#call('GET', `/webhooks/${this.id}/deliveries`)
    for (const { id } of (await this.dispatcher.listDeliveries()).data) await this.#call('GET', `/deliveries/${id}`)
  }

  readonly #steps: Record<StepName, () => Promise<unknown>> = {
    dispatch: () => this.dispatcher.dispatch('a.b', { n: 1 }),
    test: () => this.#call('POST', `/webhooks/${this.id}/test`),
    rotate: () => this.#call('POST', `/webhooks/${this.id}/rotate-secret`, {}),
    headers: async () => {
      const value = `${randomBytes(12).toString('hex')} "\\`
      this.values.push(value)
      await this.#call('PATCH', `/webhooks/${this.id}`, { headers: { 'x-new': value } })
    },
    replace: () => this.#call('PUT', `/webhooks/${this.id}`, { ...this.#input, headers: { 'x-new': '[redacted]' } }),
    invalid: () => this.#sendInvalid(),
    damage: () => this.#damageOne(),
    resend: async () => {
      const { data } = await this.dispatcher.listDeliveries({ limit: 3 })
      for (const { id } of data) await this.#call('POST', `/deliveries/${id}/resend`)
    },
    reseal: () => this.#registry.reseal(),
  }

  async #sendInvalid(): Promise<void> {
    const secret = `${generateSecret()}!`
    const value = `${randomBytes(12).toString('hex')}\r\nü`
    this.secrets.push(secret, value)
    await this.#call('POST', '/webhooks', { ...this.#input, secret, headers: { 'x-a': value, host: value } })
    await this.#call('POST', `/webhooks/${this.id}/rotate-secret`, { secret })
    await this.#call('POST', `/webhooks/${this.id}/rotate-secret`, { secret: [secret] })
    const see = (error: unknown) => this.#see(error)
    await this.#registry.create({ ...this.#input, secret }).catch(see)
    await this.#registry.rotateSecret(this.id, { secret }).catch(see)
  }

  async #damageOne(): Promise<void> {
    const { id, secret } = await this.#registry.create({ ...this.#input, headers: this.#headers })
    this.secrets.push(secret)
    const stored = await this.storage.getWebhook(id, 'default')
    const sealed = stored?.sealed.replace(/.{8}"/, 'AAAAAAAA"') ?? ''
    await this.storage.updateWebhook(id, 'default', { sealed })
    await this.#registry.revealSecret(id).catch((error: unknown) => this.#see(error))
  }

  // The secret of an answer that shows it is put aside.
  async #call(method: string, path: string, body?: unknown): Promise<{ id?: string }> {
    const headers = { 'content-type': 'application/json' }
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body), headers }
    const response = await this.#api(new Request(`http://localhost${path}`, init))
    const { secret, ...answer } = (await response.json()) as { secret?: string; id?: string } // as the API documents it
    if (secret !== undefined) this.secrets.push(secret)
    this.#see({ answer, headers: [...response.headers] })
    return answer
  }

  #see(thing: unknown): void {
    this.seen.push(printed(thing))
  }
}
