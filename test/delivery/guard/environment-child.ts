// Run by environment.test.ts in a process of its own, whose environment and flags are hostile: sends to each URL and prints what it met.
import { createSender } from '../../../src/delivery/send.ts'
import { AddressPolicy } from '../../../src/registry/address-policy/address-policy.ts'

const { addresses, urls } = JSON.parse(process.argv[2] ?? '{}')
const sender = createSender({
  timeoutMs: 5_000,
  connectTimeoutMs: 5_000,
  maxResponseBytes: 16_384,
  addresses: new AddressPolicy(addresses),
  clock: Date.now,
})
const met: (number | string)[] = []
for (const url of urls as string[]) {
  const { status, error } = await sender.send({ url, headers: {}, body: '{}' })
  met.push(status ?? error ?? '')
}
await sender.close()
console.log(JSON.stringify(met))
