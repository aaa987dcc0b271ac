import type { Page } from '../../domain/delivery.ts'
import { PosthornError } from '../../domain/error.ts'
import { decodeCursor, pageOf } from '../cursor.ts'
import type { KnownMatch, ListWebhooks, MatchWebhooks, PageQuery, WebhookMatch } from '../query.ts'
import type { StoredWebhook, WebhookPatch } from '../storage.ts'
import { Conditions } from './conditions.ts'
import type { Database } from './database.ts'
import { instant, later } from './sql.ts'
import { assertStorable } from './storable-text.ts'
import { answerRows, StoredFunction } from './stored-function.ts'
import { isId } from '../../domain/id.ts'
import { toInput, toWebhook, webhookColumns, type WebhookField, webhookFields, type WebhookRow } from './webhook-row.ts'

export async function insertWebhook(database: Database, webhook: StoredWebhook): Promise<void> {
  const { webhooks, lanes, subscriptions } = database.names
  if (!isId(webhook.id)) throw invalidId(webhook.id)
  const fields = allFields.filter((field) => webhook[field] !== undefined)
  const written = await database.all(
    'SELECT id FROM written',
    [toInput(webhook)],
    `WITH input AS MATERIALIZED (${inputOf(fields, ['id uuid', '"tenantId" text'])}),
     written AS (
       INSERT INTO ${webhooks} (id, tenant_id, ${fields.map(columnOf).join(', ')})
       SELECT id, "tenantId", ${fields.map(valueOf).join(', ')} FROM input
       ON CONFLICT (id) DO NOTHING RETURNING id, tenant_id, events
     ),
     lane AS (INSERT INTO ${lanes} (webhook_id, claim_count) SELECT id, 0 FROM written ON CONFLICT DO NOTHING),
     subscribed AS (
       INSERT INTO ${subscriptions} (tenant_id, pattern, webhook_id)
       SELECT tenant_id, jsonb_array_elements_text(events), id FROM written ON CONFLICT DO NOTHING
     )`,
  )
  if (written.length > 0) return
  throw new PosthornError('CONFLICT', `A webhook with id ${webhook.id} exists already. Create it with a new id.`)
}

export async function getWebhook(database: Database, id: string, tenantId: string): Promise<StoredWebhook | null> {
  if (!isId(id)) return null
  const row = await database.first<WebhookRow>(
    `SELECT ${webhookColumns} FROM ${database.names.webhooks} w WHERE w.id = $1::uuid AND w.tenant_id = $2::text`,
    [id, tenantId],
  )
  return row === undefined ? null : toWebhook(row)
}

export async function updateWebhook(
  database: Database,
  id: string,
  tenantId: string,
  patch: WebhookPatch,
  ifVersion: number | undefined,
): Promise<StoredWebhook | null> {
  if (!isId(id)) return null
  const { webhooks } = database.names
  const fields = patchFields.filter((field) => patch[field as keyof WebhookPatch] !== undefined)
  const row = await database.first<{ version: number; updated: WebhookRow | null }>(
    `SELECT c.version, u.updated FROM current c LEFT JOIN (
       SELECT w.id, row_to_json(w) AS updated FROM (SELECT ${webhookColumns} FROM updated w) w
     ) u ON u.id = c.id`,
    [toInput(patch), id, tenantId, ifVersion ?? null],
    `WITH input AS MATERIALIZED (${inputOf(fields, [])}),
     current AS MATERIALIZED (
       SELECT id, version FROM ${webhooks} WHERE id = $2::uuid AND tenant_id = $3::text FOR UPDATE
     ),
     updated AS (
       UPDATE ${webhooks} w SET ${[...fields.map(assignmentOf), 'version = w.version + 1'].join(', ')} FROM input i
       WHERE w.id = (SELECT id FROM current WHERE $4::integer IS NULL OR version = $4::integer) RETURNING w.*
     )${patch.events === undefined ? '' : resubscribe(database)}`,
  )
  if (row === undefined) return null
  if (row.updated !== null) return toWebhook(row.updated)
  throw new PosthornError(
    'CONFLICT',
    `Webhook ${id} is at version ${row.version}, not ${ifVersion}: somebody changed it meanwhile. Read it again, then update.`,
  )
}

export async function deleteWebhook(database: Database, id: string, tenantId: string): Promise<boolean> {
  if (!isId(id)) return false
  const { webhooks, lanes, subscriptions } = database.names
  const deleted = await database.all(
    'SELECT id FROM gone',
    [id, tenantId],
    `WITH gone AS (DELETE FROM ${webhooks} WHERE id = $1::uuid AND tenant_id = $2::text RETURNING id),
     lane AS (DELETE FROM ${lanes} WHERE webhook_id IN (SELECT id FROM gone)),
     unsubscribed AS (DELETE FROM ${subscriptions} WHERE webhook_id IN (SELECT id FROM gone))`,
  )
  return deleted.length > 0
}

export async function listWebhooks(database: Database, query: ListWebhooks): Promise<Page<StoredWebhook>> {
  const where = new Conditions()
  where.add((tenantId) => `w.tenant_id = ${tenantId}::text`, query.tenantId)
  if (query.isActive !== undefined) where.add(() => `w.is_active = ${query.isActive === true}`)
  return await pageOfWebhooks(database, query, where)
}

export async function listAllWebhooks(database: Database, query: PageQuery): Promise<Page<StoredWebhook>> {
  return await pageOfWebhooks(database, query, new Conditions())
}

export async function countWebhooks(database: Database, tenantId: string): Promise<number> {
  const select = `SELECT count(*)::integer AS count FROM ${database.names.webhooks} WHERE tenant_id = $1::text`
  return (await database.one<{ count: number }>(select, [tenantId])).count
}

export async function matchWebhooks(database: Database, queries: readonly MatchWebhooks[]): Promise<WebhookMatch[][]> {
  assertStorableQueries(queries)
  // Events of a batch are often of one type and tenant.
  const distinct = new Map<string, number>()
  const numbers = queries.map((query) => {
    const text = queryText(query)
    const number = distinct.get(text) ?? distinct.size
    distinct.set(text, number)
    return number
  })
  const rows = await database.call<MatchedRow[]>(matchFunction, [`[${[...distinct.keys()].join(',')}]`])
  const matches: WebhookMatch[][] = Array.from(distinct, () => [])
  for (const { n, id, isActive } of rows) matches[n]?.push({ id, isActive })
  return numbers.map((number) => matches[number] ?? [])
}

/** One row of the answer of {@link matchFunction}: of the query at `n`. */
type MatchedRow = WebhookMatch & { readonly n: number }

/** The parameters of a {@link matchFunction} and the answer that it had: what a function that calls it compares. */
export function knownMatches(known: readonly KnownMatch[]): readonly [queries: string, rows: string] {
  assertStorableQueries(known)
  const rows = known.flatMap(({ webhooks }, n): MatchedRow[] =>
    webhooks.map(({ id, isActive }) => ({ n, id, isActive })),
  )
  return [`[${known.map(queryText).join(',')}]`, JSON.stringify(rows)]
}

/** Whether the queries are answered now as they were. */
export async function isStillSo(database: Database, known: readonly KnownMatch[]): Promise<boolean> {
  const now = await matchWebhooks(database, known)
  return known.every(({ webhooks }, n) => JSON.stringify(webhooks.map(cells)) === JSON.stringify(now[n]?.map(cells)))
}

function cells({ id, isActive }: WebhookMatch): unknown {
  return [id, isActive]
}

function queryText({ tenantId, patterns }: MatchWebhooks): string {
  return JSON.stringify([tenantId, patterns])
}

function assertStorableQueries(queries: readonly MatchWebhooks[]): void {
  for (const { tenantId, patterns } of queries) {
    assertStorable('tenantId', tenantId)
    for (const [index, pattern] of patterns.entries()) assertStorable(`patterns[${index}]`, pattern)
  }
}

/**
 * Finds who wants an event, for each `[tenantId, patterns]` of `$1`, one lookup for each pattern and for each webhook that has it. The
 * patterns are compared again: two updates at once can leave a subscription behind that the webhook no longer has.
 */
export const matchFunction = new StoredFunction('match', ['text'], ({ webhooks, subscriptions }) =>
  answerRows(
    'SELECT n, id, is_active AS "isActive" FROM matched ORDER BY n, id',
    `WITH q AS MATERIALIZED (
       SELECT (ordinality - 1)::integer AS n, value->>0 AS tenant_id, ARRAY(SELECT jsonb_array_elements_text(value->1)) AS patterns
       FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY
     ),
     subscribed AS MATERIALIZED (
       SELECT DISTINCT ON (q.n, s.webhook_id) q.n, q.tenant_id, q.patterns, s.webhook_id FROM q CROSS JOIN LATERAL unnest(q.patterns) p (pattern) CROSS JOIN LATERAL (
         SELECT webhook_id FROM ${subscriptions} WHERE tenant_id = q.tenant_id AND pattern = p.pattern OFFSET 0
       ) s
     ),
     matched AS MATERIALIZED (
       SELECT s.n, w.id, w.is_active FROM subscribed s CROSS JOIN LATERAL (
         SELECT id, tenant_id, is_active, events FROM ${webhooks} WHERE id = s.webhook_id OFFSET 0
       ) w WHERE w.tenant_id = s.tenant_id AND jsonb_exists_any(w.events, s.patterns)
     )`,
  ),
)

export async function gate(database: Database, id: string, forMs: number | null): Promise<void> {
  if (!isId(id)) return
  const { webhooks, now } = database.names
  const until = forMs === null ? 'NULL' : `greatest(gate_until, ${later(now, '$2::float8')})`
  const params = forMs === null ? [id] : [id, forMs]
  await database.execute(`UPDATE ${webhooks} SET gate_until = ${until} WHERE id = $1::uuid`, params)
}

async function pageOfWebhooks(database: Database, query: PageQuery, where: Conditions): Promise<Page<StoredWebhook>> {
  const isAscending = query.order === 'asc'
  where.startAfter('w.id', decodeCursor(query.cursor), isAscending)
  const rows = await database.all<WebhookRow>(
    `SELECT ${webhookColumns} FROM ${database.names.webhooks} w WHERE ${where.sql}
     ORDER BY w.id ${isAscending ? 'ASC' : 'DESC'} LIMIT ${where.bind(query.limit + 1)}::integer`,
    where.params,
  )
  return pageOf(rows.map(toWebhook), query.limit, (webhook) => webhook.id)
}

// The names of an object of fields, which the compiler knows of.
const allFields = Object.keys(webhookFields) as WebhookField[]
// What a patch may not change is left out, for callers whose types did not stop them.
const unpatched: readonly WebhookField[] = ['gateUntil', 'createdBy', 'createdAt', 'version']
const patchFields = allFields.filter((field) => !unpatched.includes(field))

/** Reads the fields of the first parameter, a JSON object. */
function inputOf(fields: readonly WebhookField[], others: readonly string[]): string {
  const columns = [...others, ...fields.map((field) => `"${field}" ${webhookFields[field][1]}`)]
  // A column list may not be empty.
  return `SELECT * FROM jsonb_to_record(($1::text)::jsonb) AS i(${columns.join(', ') || '"none" text'})`
}

function columnOf(field: WebhookField): string {
  return webhookFields[field][0]
}

function valueOf(field: WebhookField): string {
  return webhookFields[field][1] === 'float8' ? instant(`"${field}"`) : `"${field}"`
}

function assignmentOf(field: WebhookField): string {
  return `${columnOf(field)} = ${valueOf(field).replace(`"${field}"`, `i."${field}"`)}`
}

/** Gives the webhook the subscriptions of its new patterns, in the same statement. */
function resubscribe(database: Database): string {
  const { subscriptions } = database.names
  return `,
     wanted AS MATERIALIZED (SELECT tenant_id, jsonb_array_elements_text(events) AS pattern, id FROM updated),
     unsubscribed AS (
       DELETE FROM ${subscriptions} s WHERE s.webhook_id = (SELECT id FROM updated)
       AND s.pattern <> ALL(ARRAY(SELECT pattern FROM wanted))
     ),
     subscribed AS (
       INSERT INTO ${subscriptions} (tenant_id, pattern, webhook_id)
       SELECT tenant_id, pattern, id FROM wanted ON CONFLICT DO NOTHING
     )`
}

function invalidId(id: string): PosthornError {
  const message = `The id ${JSON.stringify(id)} is no UUID in lower case, which Postgres needs.`
  return new PosthornError('VALIDATION_FAILED', message, {
    issues: [{ path: 'id', message: 'must be a UUID in lower case' }],
  })
}
