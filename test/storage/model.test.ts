import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../src/storage/memory/memory-storage.ts'
import { sqliteStorage } from '../../src/storage/sqlite/sqlite-storage.ts'
import { alteredStorage } from './conformance/alter.ts'
import { brokenOverdue } from './conformance/broken-overdue.ts'
import { brokenStorages } from './conformance/broken-storages.ts'
import { assertFollowsModel } from './model.ts'

const noticed = [
  'a claim that gives out again what the one before gave out',
  'a settle without a fence',
  'a retry that loses its attempt',
  'a claim that ignores maxInFlight',
  'a claim that ignores the gate',
  'a claim that never says when to ask again',
  'a lease that never expires',
  'a renew that says yes to everyone',
  'a continue that gives the lease back',
  'a cancel that takes held deliveries',
  'a requeue that counts the earlier attempts on',
  'an overdue that finds what is held',
  'an overdue that ignores byMs',
  'an overdue that leases what it finds',
  'an overdue of all that is due',
]

describe('deliveries under random operations', () => {
  it('follow the model in memoryStorage', async () => {
    await assertFollowsModel(({ clock }) => memoryStorage({ clock }))
  })

  it('follow the model in sqliteStorage', async () => {
    await assertFollowsModel(({ clock }) => sqliteStorage(':memory:', { clock }))
  })

  it.each(noticed)('do not follow it in %s', async (name) => {
    const broken = { ...brokenStorages, ...brokenOverdue }[name]
    if (broken === undefined) throw new Error(`there is no broken storage named ${name}`)
    const run = assertFollowsModel(({ clock }) => alteredStorage(memoryStorage({ clock }), broken.alteration))
    await expect(run).rejects.toThrow('Property failed')
  })
})
