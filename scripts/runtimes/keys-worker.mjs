// A Worker whose requests share one list of keys for each path. `giveUpMs` makes its request stop waiting, and so end, while the
// fetch that it started is under way.
import { keyList } from 'posthorn/schemes-fetching'
import { Verifier } from 'posthorn/verify'

const verifiers = new Map()

const worker = {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url)
    const verifier = verifiers.get(pathname) ?? verifierOf(env.KEYS_ORIGIN + pathname)
    verifiers.set(pathname, verifier)
    const giveUpMs = searchParams.get('giveUpMs')
    const options = giveUpMs === null ? {} : { signal: AbortSignal.timeout(Number(giveUpMs)) }
    try {
      await verifier.verify(request, options)
      return new Response('verified')
    } catch (error) {
      return new Response(error.code === 'KEYS_UNAVAILABLE' ? `${error.code}: ${error.cause}` : error.name)
    }
  },
}

function verifierOf(url) {
  // The test's server has no certificate.
  const fetchKeys = (_, init) => fetch(url, init)
  return new Verifier({
    secret: keyList({ url: 'https://example.com/keys', fetch: fetchKeys, timeoutMs: 2000 }),
    clock: () => 1_614_265_330_000,
  })
}

// oxlint-disable-next-line import/no-default-export -- workerd wants one
export { worker as default }
