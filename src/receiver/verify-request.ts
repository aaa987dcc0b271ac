import { PosthornError } from '../domain/error.ts'
import { readRequestBody } from '../signing/body-reader.ts'
import { answerHandshake } from '../signing/handshake.ts'
import type { ChallengeRequest, HandshakeAnswer } from '../signing/scheme.ts'
import type { VerifiedWebhook } from '../signing/verified-webhook.ts'
import type { RawRequest } from '../signing/verify-input.ts'
import { coversContent, defaultMaxBodyBytes, type WebhookVerifier } from './webhook-verifier.ts'

/** What a request turned out to be: an event that was proven, or a question of the provider's with its answer. */
export type Verified = { readonly webhook: VerifiedWebhook } | { readonly handshake: HandshakeAnswer }

/**
 * Proves a request, and answers what is no event. The only way to a {@link VerifiedWebhook}: every later step takes what this one gives.
 */
export async function verifyRequest(
  request: Request,
  { verifier, acceptsUncovered }: { readonly verifier: WebhookVerifier; readonly acceptsUncovered: boolean },
): Promise<Verified> {
  const { scheme } = verifier
  if (request.bodyUsed || request.body?.locked === true) throw bodyTaken()
  let input: Request | (RawRequest & ChallengeRequest) = request
  if (scheme?.challenge !== undefined) {
    // The question stands in the body, unsigned: it is read first, and the signature judged over the same bytes.
    const body = await readRequestBody(request, verifier.maxBodyBytes ?? defaultMaxBodyBytes)
    input = { method: request.method.toUpperCase(), url: request.url, headers: request.headers, body }
    const handshake = await scheme.challenge(input)
    if (handshake !== null) return { handshake }
  }
  const webhook = await verifier.verify(input)
  const handshake = await answerHandshake(verifier, webhook)
  if (handshake !== null) return { handshake }
  if (!acceptsUncovered) assertCovered(webhook)
  return { webhook }
}

function assertCovered({ covers, scheme }: VerifiedWebhook): void {
  if (coversContent(covers)) return
  throw new PosthornError(
    'BODY_NOT_COVERED',
    `The scheme ${scheme} does not sign the body: fetch what the event is about from the provider's API, and say ` +
      "uncoveredBody: 'accept'.",
  )
}

function bodyTaken(): PosthornError {
  return new PosthornError(
    'RAW_BODY_REQUIRED',
    "The request's body was already read. Pass the request to receiver.fetch before anything calls request.json() or request.text() " +
      '(Hono: c.req.json()), or let that read a copy: await request.clone().json() (Hono: await c.req.raw.clone().json()).',
  )
}
