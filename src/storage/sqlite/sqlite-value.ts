/** What is bound to a statement. No booleans and no `undefined`: the drivers differ on them, and libsql aborts the process. */
export type SqliteValue = string | number | null | Uint8Array
