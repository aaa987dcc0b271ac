const { checkEntries } = require('./expectations.cjs')

checkEntries(Object.fromEntries(process.argv.slice(2).map((name) => [name, require(name)])))
