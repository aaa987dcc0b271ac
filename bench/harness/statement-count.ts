import pg from 'pg'

let count = 0

// Every driver of the contenders ends in this method; a pool's query too.
pg.Client.prototype.query = new Proxy(pg.Client.prototype.query, {
  apply(query, client, parameters) {
    count++
    return Reflect.apply(query, client, parameters) as unknown
  },
})

/** How many statements this process has sent to Postgres. */
export function statementCount(): number {
  return count
}
