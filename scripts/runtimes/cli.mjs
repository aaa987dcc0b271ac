import { runSuite } from './main.mjs'

console.log(JSON.stringify(await runSuite()))
