import { mergeConfig } from 'vitest/config'
import shared from './vitest.config.ts'

// The tests of what `npm run mutate` changes: those that need neither a build nor a database nor another language, and take milliseconds.
const config = mergeConfig(shared, {})
config.test.include = [
  'test/delivery/{decide,request-headers,retry-after,retry-policy}.test.ts',
  'test/domain/event-type.test.ts',
  'test/registry/address-policy/*.test.ts',
  'test/registry/custom-headers.test.ts',
  'test/signing/{secret,signer,standard-webhooks}.test.ts',
  'test/signing/verif*.test.ts',
]

export default config
