// Run by caller-transactions.test.ts: dispatches within a transaction, says so, and waits to be killed.
import { DatabaseSync } from 'node:sqlite'
import { EventDispatcher } from '../../../src/delivery/event-dispatcher.ts'
import { WebhookRegistry } from '../../../src/registry/webhook-registry.ts'
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite-storage.ts'

const database = new DatabaseSync(process.argv[2] ?? '')
const registry = new WebhookRegistry({ storage: sqliteStorage(database) })
const dispatcher = new EventDispatcher({ registry })
await registry.open()
database.exec('BEGIN IMMEDIATE')
const { deliveries } = await dispatcher.dispatch('order.created', { id: '1' }, { tx: database })
console.log(`dispatched ${deliveries}`)
setTimeout(() => process.exit(1), 30_000) // nobody killed it
