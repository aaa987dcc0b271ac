import { describe, expect, it } from 'vitest'
import { checkingMatches } from '../../support/checking-matches.ts'
import { altered } from './alter.ts'
import { brokenOverdue } from './broken-overdue.ts'
import { brokenRows } from './broken-rows.ts'
import { brokenStorages } from './broken-storages.ts'
import { collectCases, failedCases } from './collect-cases.ts'

describe('storageConformance', () => {
  it('passes the storage under the broken ones, wrapped the same way', async () => {
    expect(await failedCases(altered(() => ({})))).toEqual([])
  })

  it('passes one that checks what was matched', async () => {
    expect(await failedCases(altered(checkingMatches))).toEqual([])
  })

  it('has a name of its own for every case', () => {
    const names = collectCases(altered(() => ({}))).map((collected) => collected.name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThan(100)
  })

  const broken = { ...brokenStorages, ...brokenOverdue, ...brokenRows }

  describe.each(Object.entries(broken))('fails %s', (_, { alteration, noticedBy }) => {
    it(`in: ${noticedBy.join('; ')}`, async () => {
      const failed = await failedCases(altered(alteration))
      expect(failed).toEqual(expect.arrayContaining([...noticedBy]))
    })
  })
})
