import { checkEntries } from './expectations.cjs'

const loaded = {}
for (const name of process.argv.slice(2)) loaded[name] = await import(name)
checkEntries(loaded)
