import type { Storage } from 'posthorn'

/** A storage of which some methods are replaced, to make it fail in a chosen way. */
export function overriding(storage: Storage, changes: Partial<Storage>): Storage {
  return new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(name in changes ? changes : target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
