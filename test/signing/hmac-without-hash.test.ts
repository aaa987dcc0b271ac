import { createHmac } from 'node:crypto'
import * as nodeCrypto from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { hmac } from '../../src/signing/crypto-node.ts'
import { createShortHmac } from '../../src/signing/hmac-node.ts'
import { utf8 } from './messages.ts'

// As in a runtime whose node:crypto has no one-shot hashes.
vi.mock('node:crypto', async (original) => ({ ...(await original<typeof nodeCrypto>()), hash: undefined }))

describe('crypto-node without crypto.hash', () => {
  it('signs by createHmac', () => {
    expect(createShortHmac('sha256', utf8('key'))).toBeNull()
    const expected = createHmac('sha256', 'key').update('id.text').digest()
    expect(Buffer.from(hmac('256', utf8('key'))(['id.', utf8('text')]) as Uint8Array)).toEqual(expected) // it signs at once
  })
})
