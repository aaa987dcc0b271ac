// The table that people write when they need webhooks by Friday: insert a row, have a loop lock a few, post them, update each. The
// variant says with which client, and whether the rows of a batch are posted one after the other or at once.
import { randomUUID } from 'node:crypto'
import { serveContender } from '../harness/contender.ts'
import { openSchema } from '../harness/postgres-schema.ts'
import { concurrency } from './in-flight.ts'
import { eventBody } from './payload.ts'
import { createSend } from './send.ts'

interface Row {
  readonly id: string
  readonly body: string
}

serveContender(async ({ url, variant }) => {
  const [client = 'fetch', order = 'serial'] = variant.split(' ')
  const send = createSend(client, url)
  const { pool, schema, remove } = await openSchema()
  await pool.query(`CREATE SCHEMA ${schema}`)
  await pool.query(`CREATE TABLE ${schema}.outbox (
    id uuid PRIMARY KEY, body text NOT NULL, status text NOT NULL DEFAULT 'pending', attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(), delivered_at timestamptz)`)
  await pool.query(`CREATE INDEX ON ${schema}.outbox (status, created_at)`)

  async function insertAll(count: number): Promise<void> {
    let next = 0
    const insert = async () => {
      while (next < count) {
        const id = randomUUID()
        const body = eventBody(id, next++)
        await pool.query(`INSERT INTO ${schema}.outbox (id, body) VALUES ($1, $2)`, [id, body])
      }
    }
    await Promise.all(Array.from({ length: concurrency }, insert))
  }

  async function deliverBatch(): Promise<number> {
    const connection = await pool.connect()
    const deliver = async ({ id, body }: Row) => {
      await send(id, body)
      await connection.query(
        `UPDATE ${schema}.outbox SET status = 'delivered', attempts = attempts + 1, delivered_at = now() WHERE id = $1`,
        [id],
      )
    }
    try {
      await connection.query('BEGIN')
      const { rows } = await connection.query<Row>(
        `SELECT id, body FROM ${schema}.outbox WHERE status = 'pending' ORDER BY created_at LIMIT ${concurrency} FOR UPDATE SKIP LOCKED`,
      )
      if (order === 'at-once') await Promise.all(rows.map(deliver))
      else for (const row of rows) await deliver(row)
      await connection.query('COMMIT')
      return rows.length
    } finally {
      connection.release()
    }
  }

  return {
    async run(count) {
      const inserted = insertAll(count)
      for (let delivered = 0; delivered < count;) {
        const found = await deliverBatch()
        delivered += found
        // The loop's sleep between looks, at its kindest.
        if (found === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      }
      await inserted
    },
    close: remove,
  }
})
