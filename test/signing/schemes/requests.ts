import * as schemes from 'posthorn/schemes'
import * as fetching from 'posthorn/schemes-fetching'
import requests from '../../../scripts/runtimes/requests.json' with { type: 'json' }
import type { Scheme } from '../../../src/signing/scheme.ts'
import { Verifier, type VerifierOptions } from '../../../src/signing/verifier.ts'

/** A signed request, laid out by scripts/runtimes/make-requests.mjs with node:crypto alone. */
export interface SignedRequest {
  readonly name: string
  /** The export of `posthorn/schemes` or `posthorn/schemes-fetching`. */
  readonly scheme: string
  readonly options: object | undefined
  readonly secret: string | undefined
  readonly nowMs: number
  readonly input: {
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
    readonly method: string | undefined
    readonly url: string | undefined
  }
  /** What the places answer that keys are fetched from. */
  readonly keys: Readonly<Record<string, string | undefined>>
}

export const signedRequests: readonly SignedRequest[] = requests.map((request) => ({
  name: 'variant' in request ? `${request.scheme} ${request.variant}` : request.scheme,
  scheme: request.scheme,
  options: request.options,
  secret: request.secret ?? undefined,
  nowMs: request.nowMs,
  input: {
    headers: request.headers as unknown as Record<string, string>, // JSON modules have a member for every header of any request
    body: request.body,
    method: request.method,
    url: request.url,
  },
  keys: (request.keys ?? {}) as Record<string, string | undefined>,
}))

/** The scheme of a request, with a `fetch` that answers from its keys. */
export function schemeOf({ scheme, options, keys, nowMs }: SignedRequest): Scheme {
  const exported: unknown = { ...schemes, ...fetching }[scheme as keyof (typeof schemes & typeof fetching)]
  if (typeof exported !== 'function') return exported as Scheme // the other exports with a request's name are schemes
  const fetch = (url: string) => Promise.resolve(new Response(keys[url] ?? null, { status: keys[url] ? 200 : 404 }))
  const all = Object.keys(keys).length === 0 ? options : { ...options, fetch, clock: () => nowMs }
  return (exported as (options: unknown) => Scheme)(all) // a factory of a scheme
}

export function verifierOf(request: SignedRequest, options: Partial<VerifierOptions> = {}): Verifier {
  return new Verifier({
    ...(request.secret === undefined ? {} : { secret: request.secret }),
    scheme: schemeOf(request),
    clock: () => request.nowMs,
    ...options,
  })
}

/** The request of a scheme, by its name in the list. */
export function requestOf(name: string): SignedRequest {
  const found = signedRequests.find((request) => request.name === name)
  if (found === undefined) throw new Error(`There is no signed request for ${name}.`)
  return found
}
