import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { EventDispatcher, WebhookRegistry } from 'posthorn'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fileStorage } from '../../examples/storage-adapter/file-storage.ts'
import { loopback } from '../support/loopback.ts'
import { startReceiver } from '../support/receiver.ts'
import { temporaryFolder } from './program.ts'

describe('fileStorage', () => {
  it('delivers what was accepted before the process ended', async () => {
    const path = `${temporaryFolder()}/posthorn.bin`
    const receiver = await startReceiver()
    onTestFinished(() => receiver[Symbol.asyncDispose]())

    const open = () => {
      const registry = new WebhookRegistry({ addresses: loopback, storage: fileStorage(path) })
      return { registry, dispatcher: new EventDispatcher({ registry }) }
    }
    const first = open()
    await first.registry.create({ name: 'ci', url: receiver.url, events: ['*'] })
    const { eventId } = await first.dispatcher.dispatch('execution.completed', { executionId: 'e1' })

    expect(await open().dispatcher.runOnce()).toEqual({ claimed: 1, succeeded: 1, failed: 0 })
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([eventId])
    expect((await open().dispatcher.listDeliveries()).data).toMatchObject([{ eventId, state: 'succeeded' }])
  })

  it('changes nothing where the file cannot be written, and goes on when it can', async () => {
    const folder = `${temporaryFolder()}/rows`
    mkdirSync(folder)
    const storage = fileStorage(`${folder}/posthorn.bin`)
    const registry = new WebhookRegistry({ addresses: loopback, storage })
    const kept = await registry.create({ name: 'kept', url: 'https://example.com/', events: ['*'] })
    rmSync(folder, { recursive: true })
    const input = { name: 'other', url: 'https://example.com/', events: ['*'] }
    await expect(registry.create(input)).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
    expect((await registry.list()).data.map(({ id }) => id)).toEqual([kept.id])
    mkdirSync(folder)
    await registry.create(input)
    expect((await registry.list()).data).toHaveLength(2)
    expect(readdirSync(folder)).toEqual(['posthorn.bin'])
  })

  it('writes nothing where nothing changes', async () => {
    const folder = temporaryFolder()
    const storage = fileStorage(`${folder}/posthorn.bin`)
    await storage.open()
    await storage.claim({ limit: 10, leaseMs: 30_000 })
    expect(readdirSync(folder)).toEqual([])
  })

  it('refuses a file that is not its own', async () => {
    const path = `${temporaryFolder()}/posthorn.bin`
    writeFileSync(path, 'not a document')
    await expect(fileStorage(path).open()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  })

  it('refuses work before it is opened and after it is closed', async () => {
    const storage = fileStorage(`${temporaryFolder()}/posthorn.bin`)
    await expect(storage.stats({})).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    await storage.open()
    await storage.close()
    await expect(storage.stats({})).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  })
})
