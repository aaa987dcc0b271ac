import pg from 'pg'

let count = 0

// Every driver of the contenders ends in this method; a pool's query too.
const query = Reflect.get(pg.Client.prototype, 'query') as (...parameters: unknown[]) => unknown // its many overloads are one function
Reflect.set(pg.Client.prototype, 'query', function counted(this: pg.Client, ...parameters: unknown[]) {
  count++
  return Reflect.apply(query, this, parameters)
})

/** How many statements this process has sent to Postgres. */
export function statementCount(): number {
  return count
}
