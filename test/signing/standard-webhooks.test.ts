import { describe } from 'vitest'
import { standardWebhooksCases } from './standard-webhooks-cases.ts'

describe('Signer and Verifier on crypto-node', () => {
  standardWebhooksCases()
})
