import { readFileSync } from 'node:fs'
import { mergeConfig } from 'vitest/config'
import shared from './vitest.config.ts'

// The tests of the group that `npm run mutate` changes: those that need neither a build nor a database nor another language, and take
// milliseconds. A mutant of a constant runs them all, so those of other groups would only cost time.
const groups: unknown = JSON.parse(readFileSync(new URL('scripts/mutation-groups.json', import.meta.url), 'utf8'))
const name = process.env['POSTHORN_MUTATION_GROUP'] ?? ''
// as: the file is in the repository, and what it lacks is refused here
const group = (groups as Partial<Record<string, { readonly tests: string[] }>>)[name]
if (group === undefined) throw new Error(`POSTHORN_MUTATION_GROUP is ${JSON.stringify(name)}: run npm run mutate.`)

const config = mergeConfig(shared, {})
config.test.include = group.tests

export default config
