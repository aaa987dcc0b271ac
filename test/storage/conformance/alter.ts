import type { ConformanceAdapter } from 'posthorn/testing'
import { memoryStorage } from '../../../src/storage/memory/memory-storage.ts'
import type { Storage } from '../../../src/storage/storage.ts'

/** Some methods of a storage that differ from those of the storage underneath. */
export type Alteration = (inner: Storage) => Partial<Storage>

/** The memory storage with some of its methods replaced. */
export function altered(alteration: Alteration): ConformanceAdapter {
  return { createStorage: ({ clock }) => alteredStorage(memoryStorage({ clock }), alteration) }
}

/** A storage with some of its methods replaced. */
export function alteredStorage(inner: Storage, alteration: Alteration): Storage {
  const replaced = alteration(inner)
  return new Proxy(inner, {
    get: (_, name) => {
      const member: unknown = Reflect.get(name in replaced ? replaced : inner, name)
      return typeof member === 'function' ? member.bind(inner) : member
    },
  })
}
