import { PosthornError } from '../../domain/error.ts'
import { base64 } from '../../signing/base64.ts'
import { appendHeader, brokenBody } from './node-request.ts'

/** An HTTP request as Lambda gets it: payload format 1.0 and 2.0 of API Gateway, function URLs, and load balancers. */
export interface LambdaEvent {
  /** The method (1.0, load balancer). */
  readonly httpMethod?: string | undefined
  /** The path (1.0, load balancer). */
  readonly path?: string | undefined
  /** The path (2.0). */
  readonly rawPath?: string | undefined
  /** The query (2.0). */
  readonly rawQueryString?: string | undefined
  /** The query: decoded (1.0), as it was sent (load balancer). */
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | null | undefined
  /** The query with every value. */
  readonly multiValueQueryStringParameters?: Readonly<Record<string, string[] | undefined>> | null | undefined
  /** The headers. */
  readonly headers?: Readonly<Record<string, string | undefined>> | null | undefined
  /** The headers with every value. */
  readonly multiValueHeaders?: Readonly<Record<string, string[] | undefined>> | null | undefined
  /** The body; null or absent where there is none. */
  readonly body?: string | null | undefined
  /** Whether the body is base64. */
  readonly isBase64Encoded?: boolean | undefined
  /** Where the request came through. */
  readonly requestContext: object
}

/** Makes the Fetch standard's request of an event. */
export function lambdaRequest(event: LambdaEvent): Request {
  const method = (event.httpMethod ?? textIn(memberOf(event.requestContext, 'http'), 'method') ?? 'POST').toUpperCase()
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(urlOf(event), {
    method,
    headers: headersOf(event),
    body: hasBody ? bodyOf(event) : null,
    duplex: 'half',
  } as RequestInit)
}

function bodyOf({ body, isBase64Encoded }: LambdaEvent): string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> {
  const text: unknown = body ?? ''
  if (typeof text !== 'string') {
    const message =
      'The raw body is gone: event.body was parsed before. Take the parser off this handler: middy().use(httpJsonBodyParser()) must go.'
    return brokenBody(new PosthornError('RAW_BODY_REQUIRED', message))
  }
  if (isBase64Encoded !== true) return text
  const bytes = base64.decode(text)
  if (bytes !== null) return new Uint8Array(bytes)
  return brokenBody(new PosthornError('BODY_UNREADABLE', 'event.body is said to be base64 and is not.'))
}

function headersOf({ headers, multiValueHeaders }: LambdaEvent): Headers {
  const made = new Headers()
  for (const [name, value] of Object.entries(multiValueHeaders ?? headers ?? {})) {
    for (const text of [value].flat()) if (text !== undefined) appendHeader(made, name, text)
  }
  return made
}

function urlOf(event: LambdaEvent): string {
  const path = event.rawPath ?? event.path ?? '/'
  const query = event.rawQueryString ?? queryOf(event)
  const host = textIn(event.requestContext, 'domainName') ?? 'localhost'
  const url = `https://${host}${path}${query === '' ? '' : `?${query}`}`
  return URL.canParse(url) ? url : 'https://localhost'
}

function queryOf(event: LambdaEvent): string {
  const given = event.multiValueQueryStringParameters ?? event.queryStringParameters ?? {}
  const pairs = Object.entries(given).flatMap(([name, value]) =>
    [value].flat().map((text) => [name, text ?? ''] as const),
  )
  // A load balancer passes names and values as they were sent; API Gateway decodes them.
  if (memberOf(event.requestContext, 'elb') !== undefined)
    return pairs.map(([name, text]) => `${name}=${text}`).join('&')
  return pairs.map(([name, text]) => `${encodeURIComponent(name)}=${encodeURIComponent(text)}`).join('&')
}

function memberOf(owner: unknown, name: string): unknown {
  return typeof owner === 'object' && owner !== null ? Reflect.get(owner, name) : undefined
}

function textIn(owner: unknown, name: string): string | undefined {
  const text = memberOf(owner, name)
  return typeof text === 'string' ? text : undefined
}
