import { describe, expect, it, vi } from 'vitest'
import { hmac } from '#crypto'
import { hmac as webHmac } from '../../src/signing/crypto-web.ts'
import { standardWebhooksCases } from './standard-webhooks-cases.ts'

// Not a stand-in: the seam's other real implementation, which package.json chooses outside Node.
vi.mock('#crypto', () => import('../../src/signing/crypto-web.ts'))

describe('Signer and Verifier on crypto-web', () => {
  it('run on the web seam in this file', () => {
    expect(hmac).toBe(webHmac)
  })

  standardWebhooksCases()
})
