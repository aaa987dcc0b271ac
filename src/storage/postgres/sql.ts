/** The milliseconds since 1970 of an instant, as SQL. */
export function ms(at: string): string {
  return `(extract(epoch FROM ${at}) * 1000)::float8`
}

/** The instant of some milliseconds since 1970, as SQL. */
export function instant(milliseconds: string): string {
  return `to_timestamp(${milliseconds} / 1000)`
}

/** An instant some milliseconds later, as SQL. */
export function later(at: string, milliseconds: string): string {
  return `${at} + ${milliseconds} * interval '1 millisecond'`
}

/** One lease for all that a statement leases, as SQL: a subselect is evaluated once, the function alone once for each row. */
export const newLease = '(SELECT gen_random_uuid())'

/** `notified`, a common table expression that tells a channel where `rows` has any. Postgres does so when the transaction commits. */
export function notified(channel: string, rows: string): string {
  return `notified AS MATERIALIZED (SELECT pg_notify('${channel}', '') FROM (SELECT 1 FROM ${rows} LIMIT 1) due)`
}

/** Reads `notified`, as SQL that is always true: a common table expression that nothing reads is not run. */
export const isNotified = '(SELECT count(*) FROM notified) >= 0'

/** A parameter that holds a JSON array of ids, as a subselect of them. */
export function idsOf(param: string): string {
  return `SELECT value::uuid FROM jsonb_array_elements_text((${param}::text)::jsonb)`
}
