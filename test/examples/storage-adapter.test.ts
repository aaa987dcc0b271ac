import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storageConformance } from 'posthorn/testing'
import { afterAll, describe, it } from 'vitest'
import { fileStorage } from '../../examples/storage-adapter/file-storage.ts'

const folder = mkdtempSync(join(tmpdir(), 'posthorn-storage-adapter-'))
let count = 0
afterAll(() => rmSync(folder, { recursive: true }))

describe('fileStorage', () => {
  storageConformance(
    { describe, it },
    { createStorage: ({ clock }) => fileStorage(join(folder, `${count++}`), { clock }) },
  )
})
