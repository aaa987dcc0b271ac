import { toBase64 } from '#crypto'
import type { Receiver } from '../receiver.ts'
import { type LambdaEvent, lambdaRequest } from './lambda-request.ts'

/** What a Lambda function answers: API Gateway (both versions), function URLs and load balancers take it. */
export interface LambdaResult {
  /** The HTTP status. */
  statusCode: number
  /** The headers. */
  headers: Record<string, string>
  /** The headers again, where the event came with several values each: such a load balancer reads nothing else. */
  multiValueHeaders?: Record<string, string[]>
  /** The body: text, or base64 where it is no text. */
  body: string
  /** Whether the body is base64. */
  isBase64Encoded: boolean
}

/**
 * Makes a handler for AWS Lambda, behind an API Gateway (REST, HTTP), a function URL or an application load balancer. It returns when all
 * work is done, also with `acknowledge: 'after-store'`: Lambda stops the process when the handler has returned.
 *
 * @example
 * export const handler = toLambdaHandler(receiver)
 */
export function toLambdaHandler(receiver: Receiver): (event: LambdaEvent) => Promise<LambdaResult> {
  return async (event) => {
    const request = openRequest(event)
    const response = request === null ? new Response(null, { status: 400 }) : await receiver.fetch(request)
    await receiver.idle()
    const headers = Object.fromEntries(response.headers)
    const several =
      event.multiValueHeaders == null ? undefined : Object.entries(headers).map(([name, text]) => [name, [text]])
    return {
      statusCode: response.status,
      headers,
      ...(several && { multiValueHeaders: Object.fromEntries(several) as Record<string, string[]> }),
      ...bodyOf(new Uint8Array(await response.arrayBuffer())),
    }
  }
}

// TRACE and CONNECT, which no Request can be, and headers that gateways let pass and fetch does not.
function openRequest(event: LambdaEvent): Request | null {
  try {
    return lambdaRequest(event)
  } catch {
    return null
  }
}

function bodyOf(bytes: Uint8Array): Pick<LambdaResult, 'body' | 'isBase64Encoded'> {
  try {
    return { body: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), isBase64Encoded: false }
  } catch {
    return { body: toBase64(bytes), isBase64Encoded: true }
  }
}
