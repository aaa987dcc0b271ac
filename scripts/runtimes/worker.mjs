import { runSuite } from './main.mjs'

// workerd wants a default export.
const worker = {
  async test() {
    const report = await runSuite()
    console.log(`REPORT ${JSON.stringify(report)}`)
    if (report.failed.length > 0) throw new Error(report.failed.join('\n'))
  },
}

// oxlint-disable-next-line import/no-default-export -- workerd wants one
export { worker as default }
