import { PosthornError, type Issue } from '../domain/error.ts'
import type { Webhook } from '../domain/webhook.ts'
import type { CreateWebhookInput, ReplaceWebhookInput, UpdateWebhookInput } from '../registry/webhook-input.ts'
import { emptyResponse, jsonResponse } from './json-response.ts'
import { operation, type Call } from './operation.ts'
import { tooManyWebhooks, withinMaxInFlight } from './tenant-limits.ts'
import { flag, integerFrom, textThat } from './query.ts'

/** The parameters of every listing. */
export const pageParameters = {
  limit: integerFrom(1, 100),
  cursor: textThat((text) => text !== '', 'must not be empty: leave it out for the first page'),
}

// `as` in the three that write: the registry checks every field of whatever the body was.

export const createWebhook = operation({
  body: 'required',
  async run(call) {
    const { guards, tenantId } = call
    const tooOften = guards.creations.take(tenantId)
    if (tooOften !== null) return tooOften
    if (guards.maxWebhooks === Infinity) return await created(call)
    return await guards.turns.take(tenantId, () => createdWithin(guards.maxWebhooks, call))
  },
})

export const listWebhooks = operation({
  query: { ...pageParameters, isActive: flag },
  async run({ registry, guards: { cursors }, tenantId }, query) {
    const place = { listing: 'webhooks', tenantId, filter: { isActive: query.isActive } }
    const page = cursors.page(query.cursor, place)
    const { data, nextCursor } = await registry.list({ ...query, ...page, tenantId })
    return jsonResponse(200, { data: data.map(toJson), nextCursor: cursors.seal(nextCursor, place) })
  },
})

export const getWebhook = operation({
  async run({ registry, tenantId, id }) {
    return jsonResponse(200, toJson(await registry.get(id, { tenantId })))
  },
})

export const replaceWebhook = operation({
  body: 'required',
  async run({ registry, guards, tenantId, id, body }) {
    const input = withinMaxInFlight(body, guards.maxInFlight, true) as ReplaceWebhookInput
    return jsonResponse(200, toJson(await registry.replace(id, input, { tenantId })))
  },
})

export const updateWebhook = operation({
  body: 'required',
  async run({ registry, guards, tenantId, id, body }) {
    const input = withinMaxInFlight(body, guards.maxInFlight, false) as UpdateWebhookInput
    return jsonResponse(200, toJson(await registry.update(id, input, { tenantId })))
  },
})

export const deleteWebhook = operation({
  async run({ registry, tenantId, id }) {
    await registry.delete(id, { tenantId })
    return emptyResponse()
  },
})

export const rotateSecret = operation({
  body: 'optional',
  async run({ registry, tenantId, id, body }) {
    const webhook = await registry.rotateSecret(id, { ...rotationOf(body), tenantId })
    return jsonResponse(200, { ...toJson(webhook), secret: webhook.secret })
  },
})

export const listEventTypes = operation({
  async run({ registry }) {
    return jsonResponse(200, { data: (registry.events?.types ?? []).map((type) => ({ type })) })
  },
})

async function createdWithin(maxWebhooks: number, call: Call): Promise<Response> {
  const { registry, tenantId } = call
  return (await registry.count({ tenantId })) >= maxWebhooks ? tooManyWebhooks(maxWebhooks) : await created(call)
}

async function created({ registry, guards, basePath, tenantId, createdBy, body }: Call): Promise<Response> {
  const scope = { tenantId, ...(createdBy !== undefined && { createdBy }) }
  const input = withinMaxInFlight(body, guards.maxInFlight, true) as CreateWebhookInput
  const webhook = await registry.create(input, scope)
  const location = `${basePath}/webhooks/${webhook.id}`
  return jsonResponse(201, { ...toJson(webhook), secret: webhook.secret }, { location })
}

// Field by field, so that whatever a webhook gains later is not public before somebody decided so.
function toJson(webhook: Webhook): Webhook {
  return {
    id: webhook.id,
    tenantId: webhook.tenantId,
    name: webhook.name,
    url: webhook.url,
    events: webhook.events,
    isActive: webhook.isActive,
    disabledReason: webhook.disabledReason,
    description: webhook.description,
    metadata: webhook.metadata,
    headers: webhook.headers,
    maxInFlight: webhook.maxInFlight,
    createdBy: webhook.createdBy,
    createdAt: webhook.createdAt,
    updatedAt: webhook.updatedAt,
  }
}

// Copied by name, because the registry's options also name the tenant.
function rotationOf(body: unknown): { secret?: string; overlapMs?: number } {
  if (body === undefined) return {}
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalidRotation([{ path: '', message: 'must be an object' }])
  }
  const issues: Issue[] = []
  const rotation: { secret?: string; overlapMs?: number } = {}
  for (const [name, value] of Object.entries(body)) {
    if (name === 'secret' && typeof value === 'string') rotation.secret = value
    else if (name === 'overlapMs' && typeof value === 'number') rotation.overlapMs = value
    else issues.push({ path: name, message: problemOfRotation(name) })
  }
  if (issues.length > 0) throw invalidRotation(issues)
  return rotation
}

function problemOfRotation(name: string): string {
  if (name === 'secret') return 'must be a string'
  return name === 'overlapMs' ? 'must be a number' : 'is not a known field: remove it'
}

function invalidRotation(issues: readonly Issue[]): PosthornError {
  return new PosthornError('VALIDATION_FAILED', 'The rotation is not valid: see issues.', { issues })
}
