import type { EventCatalogue, EventSchemas } from '../domain/catalogue.ts'
import type { Clock } from '../domain/clock.ts'
import type { Page } from '../domain/delivery.ts'
import { PosthornError } from '../domain/error.ts'
import { isId } from '../domain/id.ts'
import { SecretText } from '../domain/secret-text.ts'
import { isStorable } from '../domain/text.ts'
import type { Webhook, WebhookWithSecret } from '../domain/webhook.ts'
import { assertSecret, generateSecret } from '../signing/secret.ts'
import type { TransactionOptions } from '../storage/query.ts'
import type { Storage, StoredWebhook, WebhookPatch } from '../storage/storage.ts'
import type { AddressOptions } from './address-policy/address-options.ts'
import { AddressPolicy } from './address-policy/address-policy.ts'
import { changedHeaders, type HeaderChanges } from './custom-headers.ts'
import { cancelPending } from './disable.ts'
import { checkEncryption, defaultEncryption, type Encryption } from './encryption.ts'
import { newId } from './id.ts'
import { newestSecret, rotate, type RotateOptions } from './rotation.ts'
import { resealChunk, type ResealOptions, type ResealResult } from './reseal.ts'
import type { WebhookSecrets } from './sealing.ts'
import { assertKnown, assertTenantId, invalid, pageLimit, tenantOf, transaction, type TenantScope } from './scope.ts'
import {
  webhookInputSchemas,
  type CreateWebhookInput,
  type ReplaceWebhookInput,
  type UpdateWebhookInput,
  type WebhookInputSchemas,
} from './webhook-input.ts'
import { Vault } from './vault.ts'
import { toWebhook, withDisabledReason, writableFields } from './webhook-fields.ts'

/** What a {@link WebhookRegistry} is made of. */
export interface WebhookRegistryOptions<Schemas extends EventSchemas = EventSchemas> {
  /** Where webhooks, events and deliveries are kept. Opened on first use; close it yourself. */
  readonly storage: Storage
  /** The app's event types. Without them any well-formed type is accepted. */
  readonly events?: EventCatalogue<Schemas>
  /** Which addresses webhooks may use, when they are registered and whenever they are sent to; public ones by `https:` unless given. */
  readonly addresses?: AddressOptions
  /**
   * What seals secrets and the values of headers in the database: a {@link keyring}, or an {@link Encryption} over a KMS. `'none'` leaves
   * them in clear; in production (`NODE_ENV=production`) it must be written out, elsewhere it is what holds unless given. Rows that
   * are in clear already stay readable; {@link WebhookRegistry.reseal} seals them.
   */
  readonly encryption?: Encryption | 'none'
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
  /** `nextCursor` of the page before; null for the first page. */
  readonly cursor?: string | null | undefined
  /** Only active or only inactive ones. */
  readonly isActive?: boolean
}

const knownOptions = ['storage', 'events', 'addresses', 'encryption', 'clock']

/** Keeps the webhooks: who wants which events where. Its constructor does no I/O. */
export class WebhookRegistry<Schemas extends EventSchemas = EventSchemas> {
  /** The storage it was made with. */
  readonly storage: Storage
  /** The catalogue it was made with. */
  readonly events: EventCatalogue<Schemas> | undefined
  /** Judges where webhooks may lead; dispatchers ask it before each request and connection. */
  readonly addresses: AddressPolicy
  /** The encryption it was made with. */
  readonly encryption: Encryption | 'none'
  readonly #vault: Vault
  readonly #clock: Clock
  readonly #schemas: WebhookInputSchemas
  #opening: Promise<void> | undefined
  #isOpen = false

  /**
   * Creates a registry over a storage.
   * @throws {TypeError} where `storage` is not a storage of contract 1, or `encryption` is missing in production; {TypeError} or {RangeError}
   * naming another option that is wrong.
   */
  constructor(options: WebhookRegistryOptions<Schemas>) {
    if (options?.storage?.contract !== 1) {
      throw new TypeError(
        'WebhookRegistry needs { storage }: pass memoryStorage(), sqliteStorage(path) or your own Storage of contract 1.',
      )
    }
    for (const name of Object.keys(options)) {
      if (!knownOptions.includes(name)) {
        throw new TypeError(`WebhookRegistry has no option ${name}; known are ${knownOptions.join(', ')}.`)
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
    this.encryption = options.encryption === undefined ? defaultEncryption() : checkEncryption(options.encryption)
    this.#vault = new Vault(this.encryption)
    this.#clock = options.clock ?? Date.now
    this.addresses = new AddressPolicy(options.addresses)
    this.#schemas = webhookInputSchemas(options.events, this.addresses)
  }

  /**
   * Opens the storage, once; a failure is not kept, so that the next call tries again. Every method does this by itself. With `tx`, what
   * there is to ask of the database is asked on it: whoever has a transaction open may hold the last connection of the pool.
   */
  open(options: TransactionOptions = {}): Promise<void> {
    return this.#isOpen ? isOpenAlready : this.#open(options)
  }

  /**
   * Registers a webhook. The answer is the one time that its secret is shown without asking for it.
   * @throws {PosthornError} `VALIDATION_FAILED` with every issue; `TRANSACTIONS_UNSUPPORTED`; `ENCRYPTION_UNAVAILABLE`.
   */
  async create(input: CreateWebhookInput, options: CreateWebhookOptions = {}): Promise<WebhookWithSecret> {
    const valid = this.#schemas.create(input)
    assertKnown(options, ['tenantId', 'createdBy', 'tx'])
    const tenantId = assertTenantId(options.tenantId)
    const joined = transaction(this.storage, options.tx)
    const secret = valid.secret ?? generateSecret()
    const keys = [{ secret: new SecretText(secret), expiresAt: null }]
    const headers = changedHeaders({}, valid.headers ?? null, 'replace')
    const createdBy = assertCreatedBy(options.createdBy)
    const id = newId()
    const now = new Date(this.#clock())
    const webhook: StoredWebhook = {
      ...writableFields(valid),
      id,
      tenantId,
      sealed: await this.#vault.seal({ keys, headers }, { id, tenantId }),
      gateUntil: null,
      createdBy,
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
      ...(cursor != null && { cursor }),
      ...(isActive !== undefined && { isActive }),
    })
    return { data: page.data.map(toWebhook), nextCursor: page.nextCursor }
  }

  /**
   * Counts the webhooks of a tenant, active or not.
   * @throws {PosthornError} `VALIDATION_FAILED` for a wrong tenant.
   */
  async count(scope: TenantScope = {}): Promise<number> {
    const tenantId = tenantOf(scope)
    await this.open()
    return await this.storage.countWebhooks(tenantId)
  }

  /**
   * Changes the fields given. Setting `isActive` to false cancels what waits for the webhook.
   * @throws {PosthornError} `VALIDATION_FAILED` with every issue, `NOT_FOUND`; where headers are changed, also what
   * {@link WebhookRegistry.rotateSecret} throws.
   */
  async update(id: string, patch: UpdateWebhookInput, scope: TenantScope = {}): Promise<Webhook> {
    const { headers, ...fields } = this.#schemas.update(patch)
    return await this.#change(id, scope, withDisabledReason(fields), headersChange(headers, 'update'))
  }

  /**
   * Sets every writable field; what is left out returns to its default. The secret stays, and headers that are left out do.
   * @throws {PosthornError} `VALIDATION_FAILED` with every issue, `NOT_FOUND`; where headers are changed, also what
   * {@link WebhookRegistry.rotateSecret} throws.
   */
  async replace(id: string, input: ReplaceWebhookInput, scope: TenantScope = {}): Promise<Webhook> {
    const { headers, ...fields } = this.#schemas.replace(input)
    return await this.#change(id, scope, writableFields(fields), headersChange(headers, 'replace'))
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
   * Gives the webhook a new secret. The ones before sign along for `overlapMs`, so that the receiver can change over without a gap. Where
   * what is stored cannot be read any more, `overlapMs: 0` starts anew, without the old secrets and headers.
   * @throws {PosthornError} `NOT_FOUND`; `SECRET_INVALID`; `VALIDATION_FAILED` for a wrong overlap; `CONFLICT` where five old secrets
   * still live, or another change was quicker three times in a row; `SECRET_UNREADABLE`, `ENCRYPTION_KEY_UNKNOWN`,
   * `ENCRYPTION_UNAVAILABLE` where the old ones cannot be opened.
   */
  async rotateSecret(id: string, options: RotateOptions & TenantScope = {}): Promise<WebhookWithSecret> {
    assertKnown(options, ['tenantId', 'secret', 'overlapMs'])
    if (options.secret !== undefined) assertSecret(options.secret)
    const secret = options.secret ?? generateSecret()
    const scope = { tenantId: assertTenantId(options.tenantId) }
    const changed = await this.#changeSecrets(id, scope, {}, async (stored) => {
      const old = await this.#opened(stored, options.overlapMs === 0)
      return rotate(old, secret, options.overlapMs, this.#clock())
    })
    return { ...toWebhook(changed), secret }
  }

  /**
   * Shows the newest secret of a webhook, for an owner who asks for it on purpose.
   * @throws {PosthornError} `NOT_FOUND`; `SECRET_UNREADABLE`, `ENCRYPTION_KEY_UNKNOWN`, `ENCRYPTION_UNAVAILABLE`.
   */
  async revealSecret(id: string, scope: TenantScope = {}): Promise<string> {
    return newestSecret(await this.#vault.open(await this.#stored(id, scope)))
  }

  /**
   * Seals the next webhooks of all tenants with the newest key: those that are in clear, and those that an older key sealed. Call it until
   * `nextCursor` is null; it may be stopped and go on anywhere, beside deliveries and changes.
   * @throws {PosthornError} `VALIDATION_FAILED`, `CURSOR_INVALID`, `ENCRYPTION_UNAVAILABLE`; `CONFLICT` where another change of one webhook was
   * quicker three times in a row. TypeError where the registry has no encryption.
   *
   * @example
   * let cursor: string | null | undefined
   * do {
   *   const { nextCursor, unreadable } = await registry.reseal(cursor ? { cursor } : {})
   *   if (unreadable.length > 0) console.warn('cannot be opened', unreadable)
   *   cursor = nextCursor
   * } while (cursor !== null)
   */
  async reseal(options: ResealOptions = {}): Promise<ResealResult> {
    assertKnown(options, ['limit', 'cursor', 'signal'])
    if (this.encryption === 'none') throw new TypeError('reseal needs a registry with { encryption: keyring({ … }) }.')
    const { limit = 100 } = options
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
      throw invalid('limit', 'must be an integer from 1 to 1000')
    await this.open()
    return await resealChunk(this.storage, this.#vault, { ...options, limit })
  }

  async #open(options: TransactionOptions): Promise<void> {
    if (options.tx === undefined) {
      this.#opening ??= this.storage.open().finally(() => (this.#opening = undefined))
      await this.#opening
    } else {
      // Not shared: nobody else is to fail with a transaction that is not theirs.
      await this.storage.open(options)
    }
    this.#isOpen = true
  }

  async #stored(id: string, scope: TenantScope): Promise<StoredWebhook> {
    const tenantId = tenantOf(scope)
    if (!isId(id)) throw notFound(id)
    await this.open()
    const stored = await this.storage.getWebhook(id, tenantId)
    if (stored === null) throw notFound(id)
    return stored
  }

  async #change(
    id: string,
    scope: TenantScope,
    patch: WebhookPatch,
    change: SecretsChange | null = null,
  ): Promise<Webhook> {
    const stored = await (change === null
      ? this.#changeFields(id, scope, patch)
      : this.#changeSecrets(id, scope, patch, async (webhook) => change(await this.#vault.open(webhook))))
    if (patch.isActive === false) await cancelPending(this.storage, id, stored.tenantId, 'disabled')
    // The receiver that asked for time was another, or is known to be well.
    else if (stored.gateUntil !== null && (patch.url !== undefined || patch.isActive === true))
      await this.storage.gate(id, null)
    return toWebhook(stored)
  }

  async #changeFields(id: string, scope: TenantScope, patch: WebhookPatch): Promise<StoredWebhook> {
    const tenantId = tenantOf(scope)
    if (!isId(id)) throw notFound(id)
    await this.open()
    const stored = await this.storage.updateWebhook(id, tenantId, { ...patch, updatedAt: new Date(this.#clock()) })
    if (stored === null) throw notFound(id)
    return stored
  }

  // What is sealed is read, changed and written back, unless somebody else was quicker.
  async #changeSecrets(
    id: string,
    scope: TenantScope,
    fields: WebhookPatch,
    change: (stored: StoredWebhook) => Promise<WebhookSecrets>,
  ): Promise<StoredWebhook> {
    for (let tries = 1; ; tries++) {
      const stored = await this.#stored(id, scope)
      const sealed = await this.#vault.seal(await change(stored), stored)
      const patch = { ...fields, sealed, updatedAt: new Date(this.#clock()) }
      try {
        const changed = await this.storage.updateWebhook(id, stored.tenantId, patch, stored.version)
        if (changed === null) throw notFound(id)
        return changed
      } catch (error) {
        if (tries === 3 || !(error instanceof PosthornError && error.code === 'CONFLICT')) throw error
      }
    }
  }

  async #opened(stored: StoredWebhook, mayStartAnew: boolean): Promise<WebhookSecrets> {
    try {
      return await this.#vault.open(stored)
    } catch (error) {
      const isLost = error instanceof PosthornError && error.code === 'SECRET_UNREADABLE'
      if (isLost && mayStartAnew) return { keys: [], headers: {} }
      throw error
    }
  }
}

// One for all: every dispatch asks.
const isOpenAlready = Promise.resolve()

type SecretsChange = (secrets: WebhookSecrets) => WebhookSecrets

function headersChange(headers: HeaderChanges | undefined, mode: 'update' | 'replace'): SecretsChange | null {
  if (headers === undefined) return null
  return (secrets) => ({ ...secrets, headers: changedHeaders(secrets.headers, headers, mode) })
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
