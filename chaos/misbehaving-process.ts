// Run by misbehaving.ts in a process of its own, so that only the sender's memory is measured: starts every receiver that misbehaves.
import { misbehaviours } from '../test/support/misbehaving/catalogue.ts'
import { startMisbehaving } from '../test/support/misbehaving/start-misbehaving.ts'

const urls: string[] = []
for (const misbehaviour of misbehaviours) urls.push((await startMisbehaving(misbehaviour)).url)
console.log(JSON.stringify(urls))
process.once('disconnect', () => process.exit())
