/**
 * Makes what an ORM rejects with fit to be logged: without the bound values, which are secrets and bodies, and with the SQLSTATE as
 * its `code`, as the driver's own error has it.
 */
export function driverError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const inner = wrapped(error)
  const innermost = inner instanceof Error ? inner : error
  // Of PGlite; of Sequelize and of TypeORM, which gives its own error the code too.
  for (const member of ['params', 'parameters']) Reflect.deleteProperty(innermost, member)
  return innermost
}

function wrapped(error: Error): unknown {
  // Of Sequelize; of Drizzle, whose own error lists the values in its message.
  return Reflect.get(error, 'original') ?? ('params' in error ? error.cause : undefined)
}
