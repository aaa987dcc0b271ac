import type { Receiver } from '../receiver.ts'
import { errorResponse } from '../reply.ts'
import { printError } from '../report.ts'
import { exchange, type NodeResponseLike, writeAnswer } from './node-exchange.ts'
import type { NodeRequestLike } from './node-request.ts'

/** Answers a request of Node's. It never rejects: `next` gets what fails; without one the answer is 500, and `console.error` is told. */
export type NodeHandler = (
  req: NodeRequestLike,
  res: NodeResponseLike,
  next?: (error?: unknown) => void,
) => Promise<void>

/**
 * Mounts a receiver on `node:http`, `node:http2` and Connect. The body is read as it comes in, and no further than the verifier's
 * `maxBodyBytes`.
 *
 * @example
 * createServer(toNodeHandler(receiver)).listen(4000)
 */
export function toNodeHandler(receiver: Receiver): NodeHandler {
  return nodeHandler(receiver, 'Call this handler before anything reads the request.')
}

/**
 * Mounts a receiver on an Express route. It needs no parser. Behind `express.raw()` it takes the bytes of `req.body`, and behind another
 * parser those of `req.rawBody`, where one keeps them; where they are gone the sender is answered 500, and `onError` is told this.
 *
 * @example
 * app.post('/webhooks', toExpressHandler(receiver)) // above app.use(express.json())
 */
export function toExpressHandler(receiver: Receiver): NodeHandler {
  return nodeHandler(
    receiver,
    "Move app.post('/webhooks', toExpressHandler(receiver)) above app.use(express.json()); or have the parser keep the bytes: " +
      'app.use(express.json({ verify: (req, _res, bytes) => { req.rawBody = bytes } })).',
  )
}

/**
 * Mounts a receiver on a NestJS controller (on Express). It needs `rawBody: true`, because Nest has a parser in front of every route.
 *
 * @example
 * const app = await NestFactory.create(AppModule, { rawBody: true }) // main.ts
 *
 * @Controller('webhooks')
 * class WebhookController {
 *   readonly #handler = toNestHandler(receiver)
 *   @Post() receive(@Req() req: Request, @Res() res: Response) {
 *     return this.#handler(req, res)
 *   }
 * }
 */
export function toNestHandler(receiver: Receiver): NodeHandler {
  return nodeHandler(receiver, 'In main.ts write NestFactory.create(AppModule, { rawBody: true }).')
}

function nodeHandler(receiver: Receiver, hint: string): NodeHandler {
  return async (req, res, next) => {
    try {
      writeAnswer(res, await exchange(receiver, req, { body: req.body, rawBody: req.rawBody }, hint))
    } catch (error) {
      if (next !== undefined) return next(error)
      printError(error)
      // Thrown, it would end the process: nobody waits for a listener of node:http.
      await writeFailure(res)
    }
  }
}

async function writeFailure(res: NodeResponseLike): Promise<void> {
  const response = errorResponse(500)
  const body = new Uint8Array(await response.arrayBuffer())
  try {
    // The length too, in place of one that was set before something failed.
    const headers = { ...Object.fromEntries(response.headers), 'content-length': String(body.length) }
    writeAnswer(res, { status: response.status, headers, body })
  } catch (error) {
    printError(error) // Something has answered before.
  }
}
