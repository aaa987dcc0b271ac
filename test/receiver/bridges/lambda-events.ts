import type { ALBEvent, APIGatewayProxyEvent, APIGatewayProxyEventV2 } from 'aws-lambda'

// Shapes as AWS documents them ("Working with AWS Lambda proxy integrations", "Lambda functions as targets"), shortened where nothing of ours looks.

/** An event of a REST API, payload format 1.0. */
export function restEvent(headers: Record<string, string>, body: string): APIGatewayProxyEvent {
  const identity = { sourceIp: '192.0.2.1', userAgent: 'curl/8' } as APIGatewayProxyEvent['requestContext']['identity']
  return {
    resource: '/webhooks',
    path: '/webhooks',
    httpMethod: 'POST',
    headers: { ...headers, Host: 'api.example.com' },
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    queryStringParameters: { a: '2 2', b: 'ü' },
    multiValueQueryStringParameters: { a: ['1', '2 2'], b: ['ü'] },
    pathParameters: null,
    stageVariables: null,
    requestContext: {
      accountId: '123456789012',
      apiId: 'abc',
      authorizer: null,
      domainName: 'api.example.com',
      httpMethod: 'POST',
      identity,
      path: '/prod/webhooks',
      protocol: 'HTTP/1.1',
      requestId: 'r1',
      requestTimeEpoch: 1_764_072_000_000,
      resourceId: 'x',
      resourcePath: '/webhooks',
      stage: 'prod',
    },
    body,
    isBase64Encoded: false,
  }
}

/** An event of an HTTP API or a function URL, payload format 2.0: names in lower case, repeated headers joined by commas. */
export function httpEvent(headers: Record<string, string>, body: string): APIGatewayProxyEventV2 {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/webhooks',
    rawQueryString: 'a=1&a=2%202',
    cookies: ['a=b'],
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    queryStringParameters: { a: '1,2 2' },
    requestContext: {
      accountId: 'anonymous',
      apiId: 'abc',
      domainName: 'abc.lambda-url.eu-west-1.on.aws',
      domainPrefix: 'abc',
      http: { method: 'POST', path: '/webhooks', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'curl/8' },
      requestId: 'r1',
      routeKey: '$default',
      stage: '$default',
      time: '25/Nov/2026:12:00:00 +0000',
      timeEpoch: 1_764_072_000_000,
    },
    body,
    isBase64Encoded: false,
  }
}

/** An event of an application load balancer: the query as it was sent. */
export function albEvent(headers: Record<string, string>, body: string): ALBEvent {
  const targetGroupArn = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/hooks/0123456789abcdef'
  return {
    requestContext: { elb: { targetGroupArn } },
    httpMethod: 'POST',
    path: '/webhooks',
    queryStringParameters: { a: '1%201' },
    headers: { ...headers, 'x-forwarded-for': '192.0.2.1' },
    body,
    isBase64Encoded: false,
  }
}
