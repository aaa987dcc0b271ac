/** On every answer: secrets and tenants' affairs are not for caches, and nothing here is a page or a script. */
export const safeHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** Makes an answer with a JSON body; dates become ISO 8601 text. */
export function jsonResponse(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...safeHeaders, ...headers },
  })
}

/** Makes an answer without a body. */
export function emptyResponse(headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status: 204, headers: { ...safeHeaders, ...headers } })
}
