import { UuidV7 } from './uuid-v7.ts'

const ids = new UuidV7()

/** Makes an id: a UUIDv7, so that ids sort by time of creation, also within one millisecond of one process. */
export function newId(): string {
  return ids.next()
}
