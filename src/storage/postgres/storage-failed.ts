import { PosthornError } from '../../domain/error.ts'
import { driverError } from './executors/driver-error.ts'

/**
 * Makes an error of a driver ours. The message has its code only: drivers and ORMs put statements and parameters into theirs. Where the
 * statement `isJoined` to a transaction, that has failed with it.
 */
export function storageFailed(error: unknown, isJoined = false): PosthornError {
  if (error instanceof PosthornError) return error
  const code = codeOf(error)
  const cause = driverError(error)
  if (code !== null && missing.has(code)) return schemaMissing(cause)
  const advice =
    isJoined || code === inFailedTransaction
      ? 'The transaction that is open on the connection has failed, and takes nothing more. Roll it back and begin again.'
      : 'Where the connection broke, the operation may have been carried out all the same; every operation of a storage may be repeated.'
  return new PosthornError(
    'STORAGE_FAILED',
    `Postgres refused an operation or could not be reached (${code ?? 'no code'}; see cause). ${advice}`,
    { cause },
  )
}

/** What is thrown where the tables are not there, or not as this release needs them. */
export function schemaMissing(cause?: unknown): PosthornError {
  return new PosthornError(
    'STORAGE_SCHEMA',
    "Posthorn's tables are missing or older than this release: run storage.migrate() once when you deploy.",
    { cause },
  )
}

/** Whether the tables themselves are missing. */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error)
  return code !== null && missing.has(code)
}

/** Whether the statement was rolled back for nothing but the company it was in: a serialization failure or a deadlock. */
export function isRepeatable(error: unknown): boolean {
  const code = codeOf(error)
  return code === '40001' || code === '40P01'
}

/** Whether a row with this key is there already. */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === '23505'
}

/** What a write comes to; undefined where a unique index has refused it. */
export async function unlessTaken<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write
  } catch (error) {
    if (isUniqueViolation(error)) return undefined
    throw error
  }
}

const inFailedTransaction = '25P02'

// undefined_table, invalid_schema_name, undefined_column, undefined_function
const missing = new Set(['42P01', '3F000', '42703', '42883'])

// ORMs wrap the driver's error, some of them more than once.
const maxDepth = 5

/** The SQLSTATE, or the code of a network error, wherever it stands in the chain of causes. */
function codeOf(error: unknown): string | null {
  let current = error
  for (let depth = 0; depth < maxDepth && typeof current === 'object' && current !== null; depth++) {
    const code: unknown = Reflect.get(current, 'code')
    if (typeof code === 'string' && /^[A-Z0-9_]{2,40}$/.test(code) && !(current instanceof PosthornError)) return code
    current = Reflect.get(current, 'cause') ?? Reflect.get(current, 'driverError') ?? Reflect.get(current, 'original')
  }
  return null
}
