import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { ipaScheme, PosthornError, standardWebhooks, Verifier } from 'posthorn/verify'

const schemes = [standardWebhooks, ipaScheme]

/**
 * Creates a receiver that verifies both signatures of each request and prints what it got. `readSecret` is asked each time, so that
 * a rotation is followed at once; a receiver elsewhere has its secrets in its configuration.
 */
export function createReceiver(readSecret: () => Promise<string>): Server {
  return createServer((request, response) => {
    receive(request, response, readSecret).catch((error: unknown) => {
      console.error('receiver: could not answer.', error)
      response.writeHead(500).end()
    })
  })
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  readSecret: () => Promise<string>,
): Promise<void> {
  const { headers } = request
  const body = await buffer(request)
  try {
    const secret = await readSecret()
    for (const scheme of schemes) await new Verifier({ secret, scheme }).verify({ headers, body })
    const names = schemes.map(({ name }) => name).join(' and ')
    console.log(`receiver: verified ${String(headers['x-ipa-event'])} (${names}): ${body.toString()}`)
    response.writeHead(204).end()
  } catch (error) {
    if (!(error instanceof PosthornError)) throw error
    console.log(`receiver: refused a request: ${error.code}`)
    response.writeHead(401).end()
  }
}
