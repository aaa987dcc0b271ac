import type { Storage } from 'posthorn'
import { describe, expectTypeOf, it } from 'vitest'

// What every tenant's rows are touched by, on purpose: workers, retention, and an operator who seals them anew.
type OfAllTenants =
  'open' | 'close' | 'watch' | 'gate' | 'claim' | 'overdue' | 'renew' | 'settle' | 'stats' | 'purge' | 'listAllWebhooks'

type Method = Exclude<keyof Storage, 'contract' | 'name' | 'capabilities'>
type Called<Name extends Method> = Parameters<NonNullable<Storage[Name]>>
type TakesTenant<Name extends Method> =
  Called<Name> extends readonly [infer First, ...infer Rest]
    ? First extends { readonly tenantId: string } | readonly { readonly tenantId: string }[]
      ? true
      : Rest extends readonly [string, ...unknown[]]
        ? true
        : Name extends 'countWebhooks'
          ? true
          : false
    : false
type WithoutTenant = { [Name in Method]: TakesTenant<Name> extends true ? never : Name }[Method]

describe('Storage', () => {
  it('asks for a tenant wherever it is not for all of them', () => {
    expectTypeOf<WithoutTenant>().toEqualTypeOf<OfAllTenants>()
    expectTypeOf<Parameters<Storage['getWebhook']>>().toEqualTypeOf<[id: string, tenantId: string]>()
    expectTypeOf<Parameters<Storage['countWebhooks']>>().toEqualTypeOf<[tenantId: string]>()
    expectTypeOf<{ limit: number }>().not.toExtend<Parameters<Storage['listWebhooks']>[0]>()
    expectTypeOf<{ limit: number }>().not.toExtend<Parameters<Storage['listDeliveries']>[0]>()
  })
})
