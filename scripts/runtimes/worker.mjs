import { runSuite } from './main.mjs'

// workerd wants a default export.
const worker = {
  async test() {
    const report = await runSuite()
    console.log(`REPORT ${JSON.stringify(report)}`)
    if (report.failed.length > 0) throw new Error(report.failed.join('\n'))
  },
}

export { worker as default }
