import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { rawBodyLines, urlLines } from '../../src/signing/framework-lines.ts'

// What makes each line do what it is for.
const rawBodies: readonly (readonly [framework: string, essence: string])[] = [
  ['Express', 'express.raw({ type: () => true })'],
  ['Next.js, app router', 'verifier.verify(request)'],
  ['Next.js, pages router', 'bodyParser: false'],
  ['Fastify', "parseAs: 'buffer'"],
  ['NestJS', 'rawBody: true'],
  ['AWS Lambda', "event.isBase64Encoded ? 'base64' : 'utf8'"],
]
const urls: readonly (readonly [framework: string, essence: string])[] = [
  ['any', 'publicUrl: process.env.PUBLIC_URL'],
  ['Express', "app.set('trust proxy', 1)"],
  ['Fastify', 'trustProxy: 1'],
  ['NestJS', "app.set('trust proxy', 1)"],
  ['Koa', 'proxy: true, maxIpsCount: 1'],
  ['Next.js, Hono, Workers', 'new URL(request.url).pathname + new URL(request.url).search'],
]

describe.each([
  ['rawBodyLines', rawBodyLines, rawBodies],
  ['urlLines', urlLines, urls],
])('%s', (_, lines, expected) => {
  it('has a line for each framework, with what makes it work', () => {
    expect(lines.map(({ framework }) => framework)).toEqual(expected.map(([framework]) => framework))
    for (const [index, { line }] of lines.entries()) expect(line).toContain(expected[index]?.[1])
  })

  it('has lines that parse as a statement, or as a member of options', () => {
    for (const { line } of lines) {
      const code = /^\w+: /.test(line) ? `({ ${line}\n})` : line
      const { diagnostics = [] } = ts.transpileModule(code, { reportDiagnostics: true })
      expect(diagnostics.map(({ code: wrong }) => `${line}: TS${wrong}`)).toEqual([])
    }
  })
})
