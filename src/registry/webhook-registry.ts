import type { EventCatalogue, EventSchemas } from '../domain/catalogue.ts'
import type { Clock } from '../domain/clock.ts'
import type { Page } from '../domain/delivery.ts'
import { PosthornError } from '../domain/error.ts'
import { isId } from '../domain/id.ts'
import { isStorable } from '../domain/text.ts'
import type { Webhook, WebhookWithSecret } from '../domain/webhook.ts'
import { assertSecret, generateSecret } from '../signing/secret.ts'
import type { TransactionOptions } from '../storage/query.ts'
import type { Storage, StoredWebhook, WebhookPatch } from '../storage/storage.ts'
import type { AddressOptions } from './address-policy/address-options.ts'
import { AddressPolicy } from './address-policy/address-policy.ts'
import { cancelPending } from './disable.ts'
import { newId } from './id.ts'
import { newestSecret, rotate, type RotateOptions } from './rotation.ts'
import { seal, unseal } from './sealing.ts'
import { assertKnown, assertTenantId, invalid, pageLimit, tenantOf, transaction, type TenantScope } from './scope.ts'
import {
  webhookInputSchemas,
  type CreateWebhookInput,
  type ReplaceWebhookInput,
  type UpdateWebhookInput,
  type WebhookInputSchemas,
} from './webhook-input.ts'

/** What a {@link WebhookRegistry} is made of. */
export interface WebhookRegistryOptions<Schemas extends EventSchemas = EventSchemas> {
  /** Where webhooks, events and deliveries are kept. Opened on first use; close it yourself. */
  readonly storage: Storage
  /** The app's event types. Without them any well-formed type is accepted. */
  readonly events?: EventCatalogue<Schemas>
  /** Which addresses webhooks may use, when they are registered and whenever they are sent to; public ones by `https:` unless given. */
  readonly addresses?: AddressOptions
  /** Tells the time; `Date.now` unless given. */
  readonly clock?: Clock
}

/** Who creates a webhook, and for which tenant. */
export interface CreateWebhookOptions extends TenantScope {
  /** Who creates it, as the host app names them, at most 200 characters. */
  readonly createdBy?: string
  /** The caller's own transaction: the webhook is registered if and only if it commits. See the storage for what it takes. */
  readonly tx?: unknown
}

/** Which page of webhooks to list. */
export interface ListWebhooksQuery extends TenantScope {
  /** The most webhooks to return, 1 to 100; 50 unless given. */
  readonly limit?: number
  /** `nextCursor` of the page before. */
  readonly cursor?: string
  /** Only active or only inactive ones. */
  readonly isActive?: boolean
}

/** Keeps the webhooks: who wants which events where. Its constructor does no I/O. */
export class WebhookRegistry<Schemas extends EventSchemas = EventSchemas> {
  /** The storage it was made with. */
  readonly storage: Storage
  /** The catalogue it was made with. */
  readonly events: EventCatalogue<Schemas> | undefined
  /** Judges where webhooks may lead; dispatchers ask it before each request and connection. */
  readonly addresses: AddressPolicy
  readonly #clock: Clock
  readonly #schemas: WebhookInputSchemas
  #opening: Promise<void> | undefined
  #isOpen = false

  /**
   * Creates a registry over a storage.
   * @throws {TypeError} where `storage` is not a storage of contract 1; {TypeError} or {RangeError} naming another option that is wrong.
   */
  constructor(options: WebhookRegistryOptions<Schemas>) {
    if (options?.storage?.contract !== 1) {
      throw new TypeError(
        'WebhookRegistry needs { storage }: pass memoryStorage(), sqliteStorage(path) or your own Storage of contract 1.',
      )
    }
    for (const name of Object.keys(options)) {
      if (!['storage', 'events', 'addresses', 'clock'].includes(name)) {
        throw new TypeError(`WebhookRegistry has no option ${name}; known are storage, events, addresses, clock.`)
      }
    }
    if (options.clock !== undefined && typeof options.clock !== 'function') {
      throw new TypeError(`clock must be a function, not ${typeof options.clock}.`)
    }
    if (options.events !== undefined && typeof options.events?.validate !== 'function') {
      throw new TypeError('events must be a catalogue: pass what defineEvents({ … }) returns.')
    }
    this.storage = options.storage
    this.events = options.events
    this.#clock = options.clock ?? Date.now
    this.addresses = new AddressPolicy(options.addresses)
    this.#schemas = webhookInputSchemas(options.events, this.addresses)
  }

  /**
   * Opens the storage, once; a failure is not kept, so that the next call tries again. Every method does this by itself. With `tx`, what
   * there is to ask of the database is asked on it: whoever has a transaction open may hold the last connection of the pool.
   */
  async open(options: TransactionOptions = {}): Promise<void> {
    if (this.#isOpen) return
    if (options.tx !== undefined) {
      // Not shared: nobody else is to fail with a transaction that is not theirs.
      await this.storage.open(options)
      this.#isOpen = true
      return
    }
    this.#opening ??= this.storage.open().finally(() => (this.#opening = undefined))
    await this.#opening
    this.#isOpen = true
  }

  /**
   * Registers a webhook. The answer is the one time that its secret is shown without asking for it.
   * @throws {PosthornError} `VALIDATION_FAILED` with every issue; `TRANSACTIONS_UNSUPPORTED`.
   */
  async create(input: CreateWebhookInput, options: CreateWebhookOptions = {}): Promise<WebhookWithSecret> {
    const valid = this.#schemas.create(input)
    assertKnown(options, ['tenantId', 'createdBy', 'tx'])
    const tenantId = assertTenantId(options.tenantId)
    const joined = transaction(this.storage, options.tx)
    const secret = valid.secret ?? generateSecret()
    const now = new Date(this.#clock())
    const webhook: StoredWebhook = {
      ...writableFields(valid),
      id: newId(),
      tenantId,
      sealed: seal({ keys: [{ secret, expiresAt: null }] }),
      gateUntil: null,
      createdBy: assertCreatedBy(options.createdBy),
      version: 1,
      createdAt: now,
      updatedAt: now,
    }
    await this.open(joined)
    await this.storage.insertWebhook(webhook, joined)
    return { ...toWebhook(webhook), secret }
  }

  /**
   * Reads a webhook, without its secret.
   * @throws {PosthornError} `NOT_FOUND`.
   */
  async get(id: string, scope: TenantScope = {}): Promise<Webhook> {
    return toWebhook(await this.#stored(id, scope))
  }

  /**
   * Lists webhooks, newest first, without their secrets.
   * @throws {PosthornError} `VALIDATION_FAILED` for a wrong limit, `CURSOR_INVALID`.
   */
  async list(query: ListWebhooksQuery = {}): Promise<Page<Webhook>> {
    assertKnown(query, ['tenantId', 'limit', 'cursor', 'isActive'])
    const { cursor, isActive } = query
    if (isActive !== undefined && typeof isActive !== 'boolean') throw invalid('isActive', 'must be true or false')
    const tenantId = assertTenantId(query.tenantId)
    const limit = pageLimit(query.limit)
    await this.open()
    const page = await this.storage.listWebhooks({
      tenantId,
      limit,
      ...(cursor !== undefined && { cursor }),
      ...(isActive !== undefined && { isActive }),
    })
    return { data: page.data.map(toWebhook), nextCursor: page.nextCursor }
  }

  /**
   * Changes the fields given. Setting `isActive` to false cancels what waits for the webhook.
   * @throws {PosthornError} `VALIDATION_FAILED` with every issue, `NOT_FOUND`.
   */
  async update(id: string, patch: UpdateWebhookInput, scope: TenantScope = {}): Promise<Webhook> {
    const valid = this.#schemas.update(patch)
    return await this.#change(id, scope, withDisabledReason(valid))
  }

  /**
   * Sets every writable field; what is left out returns to its default. The secret stays.
   * @throws {PosthornError} `VALIDATION_FAILED` with every issue, `NOT_FOUND`.
   */
  async replace(id: string, input: ReplaceWebhookInput, scope: TenantScope = {}): Promise<Webhook> {
    return await this.#change(id, scope, writableFields(this.#schemas.replace(input)))
  }

  /**
   * Removes a webhook and cancels what waits for it. Its past deliveries stay readable.
   * @throws {PosthornError} `NOT_FOUND`.
   */
  async delete(id: string, scope: TenantScope = {}): Promise<void> {
    const tenantId = tenantOf(scope)
    if (!isId(id)) throw notFound(id)
    await this.open()
    if (!(await this.storage.deleteWebhook(id, tenantId))) throw notFound(id)
    await cancelPending(this.storage, id, tenantId, 'deleted')
  }

  /**
   * Lets deliveries be made again, from the next event on.
   * @throws {PosthornError} `NOT_FOUND`.
   */
  async enable(id: string, scope: TenantScope = {}): Promise<Webhook> {
    return await this.#change(id, scope, { isActive: true, disabledReason: null })
  }

  /**
   * Stops deliveries and cancels what waits; events that happen meanwhile are recorded as `skipped`.
   * @throws {PosthornError} `NOT_FOUND`.
   */
  async disable(id: string, scope: TenantScope = {}): Promise<Webhook> {
    return await this.#change(id, scope, { isActive: false, disabledReason: 'manual' })
  }

  /**
   * Gives the webhook a new secret. The ones before sign along for `overlapMs`, so that the receiver can change over without a gap.
   * @throws {PosthornError} `NOT_FOUND`; `SECRET_INVALID`; `VALIDATION_FAILED` for a wrong overlap; `CONFLICT` where five old secrets
   * still live, or another rotation was quicker three times in a row.
   */
  async rotateSecret(id: string, options: RotateOptions & TenantScope = {}): Promise<WebhookWithSecret> {
    assertKnown(options, ['tenantId', 'secret', 'overlapMs'])
    if (options.secret !== undefined) assertSecret(options.secret)
    const secret = options.secret ?? generateSecret()
    for (let tries = 1; ; tries++) {
      const stored = await this.#stored(id, { tenantId: assertTenantId(options.tenantId) })
      const now = this.#clock()
      const patch = {
        sealed: seal(rotate(unseal(stored.sealed), secret, options.overlapMs, now)),
        updatedAt: new Date(now),
      }
      try {
        const changed = await this.storage.updateWebhook(id, stored.tenantId, patch, stored.version)
        if (changed === null) throw notFound(id)
        return { ...toWebhook(changed), secret }
      } catch (error) {
        if (tries === 3 || !(error instanceof PosthornError && error.code === 'CONFLICT')) throw error
      }
    }
  }

  /**
   * Shows the newest secret of a webhook, for an owner who asks for it on purpose.
   * @throws {PosthornError} `NOT_FOUND`.
   */
  async revealSecret(id: string, scope: TenantScope = {}): Promise<string> {
    return newestSecret(unseal((await this.#stored(id, scope)).sealed))
  }

  async #stored(id: string, scope: TenantScope): Promise<StoredWebhook> {
    const tenantId = tenantOf(scope)
    if (!isId(id)) throw notFound(id)
    await this.open()
    const stored = await this.storage.getWebhook(id, tenantId)
    if (stored === null) throw notFound(id)
    return stored
  }

  async #change(id: string, scope: TenantScope, patch: WebhookPatch): Promise<Webhook> {
    const tenantId = tenantOf(scope)
    if (!isId(id)) throw notFound(id)
    await this.open()
    const stored = await this.storage.updateWebhook(id, tenantId, { ...patch, updatedAt: new Date(this.#clock()) })
    if (stored === null) throw notFound(id)
    if (patch.isActive === false) await cancelPending(this.storage, id, tenantId, 'disabled')
    return toWebhook(stored)
  }
}

function writableFields(input: ReplaceWebhookInput) {
  const isActive = input.isActive ?? true
  return {
    name: input.name,
    url: input.url,
    events: input.events,
    isActive,
    disabledReason: isActive ? null : 'manual',
    description: input.description ?? null,
    metadata: input.metadata ?? {},
    maxInFlight: input.maxInFlight ?? 10,
  }
}

function withDisabledReason(patch: UpdateWebhookInput): WebhookPatch {
  const { isActive } = patch
  if (isActive === undefined) return definedFields(patch)
  return { ...definedFields(patch), disabledReason: isActive ? null : 'manual' }
}

// A field that was given as undefined was not given.
function definedFields(patch: UpdateWebhookInput): WebhookPatch {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
}

function toWebhook(stored: StoredWebhook): Webhook {
  const { sealed: _sealed, version: _version, gateUntil: _gateUntil, ...webhook } = stored
  return webhook
}

function assertCreatedBy(createdBy: unknown): string | null {
  if (createdBy === undefined || createdBy === null) return null
  if (typeof createdBy === 'string' && createdBy.length <= 200 && isStorable(createdBy)) return createdBy
  throw invalid('createdBy', 'must be a string of at most 200 characters, without NUL and lone surrogates')
}

// A caller without types may pass anything.
function notFound(id: unknown): PosthornError {
  return new PosthornError('NOT_FOUND', `No webhook ${JSON.stringify(String(id).slice(0, 64))} for this tenant.`)
}
