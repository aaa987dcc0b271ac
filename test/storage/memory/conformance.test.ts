import { describe, it } from 'vitest'
import { storageConformance } from 'posthorn/testing'
import { memoryStorage } from '../../../src/storage/memory/memory-storage.ts'

describe('memoryStorage', () => {
  storageConformance({ describe, it }, { createStorage: ({ clock }) => memoryStorage({ clock }) })
})
