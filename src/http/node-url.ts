import type { NodeRequest } from './node-request.ts'

/**
 * Makes the URL of a request, or null where it is refused: where `URL` would write the path in another way than it was sent
 * (`/x/../api`, `/%2e/api`, `/api\v1`, a fragment), and where the target is not a path (`http://host/api`). What stands in front
 * has judged the path as it was sent; to read another out of it would lead past that guard.
 */
export function urlOf(req: NodeRequest): string | null {
  const target = targetOf(req)
  if (!target.startsWith('/')) return null
  // Joined as text: resolving `//evil.example/webhooks` against the origin would take it for a host.
  const url = originOf(req) + target
  const [path] = target.split('?', 1)
  return new URL(url).pathname === path ? url : null
}

function targetOf(req: NodeRequest): string {
  const target = req.originalUrl ?? req.url ?? '/'
  // The server as a whole (RFC 9112, section 3.2.4).
  return target === '*' && req.method === 'OPTIONS' ? '/' : target
}

function originOf(req: NodeRequest): string {
  const scheme = 'encrypted' in req.socket && req.socket.encrypted ? 'https' : 'http'
  const host = ('stream' in req ? req.authority : req.headers.host) ?? ''
  // The characters of names, IPv4, IPv6 and ports; anything else could end the host early and alter the path.
  const isHost = /^[\w.\-:[\]]+$/.test(host) && URL.canParse(`${scheme}://${host}`)
  return `${scheme}://${isHost ? host : 'localhost'}`
}
