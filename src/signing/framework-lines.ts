/** A line of code for one framework. */
export interface FrameworkFix {
  /** The framework. */
  readonly framework: string
  /** The line. */
  readonly line: string
}

/** How each framework gives the body as it came. */
export const rawBodyLines: readonly FrameworkFix[] = [
  {
    framework: 'Express',
    line: "app.post('/webhooks', express.raw({ type: () => true }), handler) // before app.use(express.json())",
  },
  {
    framework: 'Next.js, app router',
    line: 'await verifier.verify(request) // without request.json() or request.text() before it',
  },
  { framework: 'Next.js, pages router', line: 'export const config = { api: { bodyParser: false } }' },
  {
    framework: 'Fastify',
    line: "fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => done(null, body))",
  },
  { framework: 'NestJS', line: 'NestFactory.create(AppModule, { rawBody: true }) // then request.rawBody' },
  { framework: 'AWS Lambda', line: "Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8')" },
]

/** How each framework comes to know the URL that the sender used. */
export const urlLines: readonly FrameworkFix[] = [
  {
    framework: 'any',
    line: 'publicUrl: process.env.PUBLIC_URL // the URL that the provider has, not one made of the request',
  },
  {
    framework: 'Express',
    line: "app.set('trust proxy', 1) // where the URL is made of request.protocol and request.host, behind one proxy",
  },
  { framework: 'Fastify', line: 'Fastify({ trustProxy: 1 }) // then request.protocol and request.host' },
  { framework: 'NestJS', line: "app.set('trust proxy', 1) // of a NestExpressApplication" },
  { framework: 'Koa', line: 'new Koa({ proxy: true, maxIpsCount: 1 }) // then context.protocol and context.host' },
  {
    framework: 'Next.js, Hono, Workers',
    line: 'url: new URL(request.url).pathname + new URL(request.url).search // its host may be that of the server within',
  },
]
