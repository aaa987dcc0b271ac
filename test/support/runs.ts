/** How many inputs a property is tried on: a twentieth where mutants are tested, each of which runs it again. */
export function runs(count: number): number {
  return process.env['POSTHORN_MUTATION_GROUP'] === undefined ? count : Math.ceil(count / 20)
}
