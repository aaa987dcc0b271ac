import type { AddressOptions } from 'posthorn'
import { onTestFinished } from 'vitest'
import { createSender } from '../../../src/delivery/send.ts'
import { AddressPolicy } from '../../../src/registry/address-policy/address-policy.ts'

/** A sender as a dispatcher makes it, closed when the test ends. Its answer is an outcome. */
export function guardedSender(addresses: AddressOptions, timeoutMs = 5_000) {
  const sender = createSender({
    timeoutMs,
    connectTimeoutMs: timeoutMs,
    maxResponseBytes: 16_384,
    addresses: new AddressPolicy(addresses),
    clock: Date.now,
  })
  onTestFinished(() => sender.close())
  const post = async (url: string) =>
    await sender.send({ url, headers: { 'content-type': 'application/json' }, body: '{}' })
  return { ...sender, post }
}
