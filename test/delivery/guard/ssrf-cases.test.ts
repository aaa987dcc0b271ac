import { isIP } from 'node:net'
import type { AddressOptions } from 'posthorn'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decide } from '../../../src/delivery/decide.ts'
import { guardedConnector, type ConnectorSettings } from '../../../src/delivery/guard/guarded-connector.ts'
import { createNameResolver } from '../../../src/delivery/guard/name-resolver.ts'
import { retryPolicy } from '../../../src/delivery/retry-policy.ts'
import { AddressBlocked } from '../../../src/registry/address-policy/address-block.ts'
import { AddressPolicy } from '../../../src/registry/address-policy/address-policy.ts'
import { parseIp } from '../../../src/registry/address-policy/ip-address.ts'
import { optionsOf, ssrfCases, titleOf, type SsrfCase } from '../../registry/address-policy/ssrf-cases.ts'
import { startForbiddenListener } from '../../support/forbidden-listener.ts'
import { startNameServer } from '../../support/name-server.ts'
import { openedSockets } from '../../support/opened-sockets.ts'
import { startReceiver } from '../../support/receiver.ts'
import { guardedSender } from './guarded-sender.ts'

const titled = (cases: readonly SsrfCase[]) => cases.map((each) => ({ title: titleOf(each), each }))
const hostOf = ({ host, url = '' }: SsrfCase) => host ?? (URL.canParse(url) ? new URL(url).hostname : '')

// Answers every name of the cases; where the answers change, as often as it was asked before.
const answers = new Map(ssrfCases.map((each) => [hostOf(each), each.resolvesToSequence ?? [each.resolvesTo ?? []]]))

let forbidden: Awaited<ReturnType<typeof startForbiddenListener>>
let names: Awaited<ReturnType<typeof startNameServer>>
beforeAll(async () => {
  forbidden = await startForbiddenListener()
  names = await startNameServer((name, nth) => answers.get(name)?.[nth - 1] ?? answers.get(name)?.at(-1) ?? 'missing')
})
afterAll(async () => {
  await forbidden[Symbol.asyncDispose]()
  await names[Symbol.asyncDispose]()
})

// What no name server can answer comes from a resolver that was given.
function resolving(each: SsrfCase): AddressOptions {
  const isWire = (each.resolvesTo ?? []).every((address) => isIP(address) !== 0)
  return { ...optionsOf(each), resolver: isWire ? { servers: [names.server] } : async () => each.resolvesTo ?? [] }
}

/** Where a connection to `host` would go: everything is real but the last step, which would leave this machine. */
async function destinations(host: string, options: AddressOptions): Promise<readonly string[]> {
  const policy = new AddressPolicy(options)
  const resolver = createNameResolver(policy.resolver, 5_000)
  const found: string[] = []
  const build = ({ lookup }: ConnectorSettings) => {
    return ({ hostname }: { hostname: string }, callback: (error: Error, socket: null) => void) =>
      lookup(hostname, { all: true }, (error, addresses) => {
        for (const { address } of Array.isArray(addresses) ? addresses : []) found.push(address)
        callback(error ?? new Error('nothing was connected to'), null)
      })
  }
  const connect = guardedConnector(build, { policy, resolver, connectTimeoutMs: 5_000 })
  const error = await new Promise<Error | null>((resolve) => connect({ hostname: host }, (...met) => resolve(met[0])))
  resolver.close()
  if (error instanceof AddressBlocked) throw error
  return found
}

describe('a URL of the sample that is blocked', () => {
  const blocked = ssrfCases.filter(
    (each) => each.url && each.expect === 'blocked' && !each.redirectsTo && !each.resolvesTo,
  )

  it.each(titled(blocked))('is not connected to: $title', async ({ each }) => {
    using opened = openedSockets()
    const outcome = await guardedSender(optionsOf(each)).post(each.url!)
    expect(outcome).toMatchObject({ status: null, block: { code: each.code } })
    expect(['blocked', 'invalid_url']).toContain(outcome.error)
    expect(opened.sockets).toHaveLength(0)
  })
})

describe('a name of the sample', () => {
  const resolved = ssrfCases.filter((each) => each.resolvesTo)
  const [blocked, allowed] = (['blocked', 'allowed'] as const).map((expected) =>
    titled(resolved.filter((each) => each.expect === expected)),
  )

  it.each(blocked!)('is not connected to: $title', async ({ each }) => {
    const before = { ...forbidden.reached }
    const outcome = await guardedSender(resolving(each)).post(`https://${hostOf(each)}:${forbidden.port}/`)
    expect(outcome).toMatchObject({ status: null, error: 'blocked', block: { code: each.code } })
    expect(forbidden.reached).toEqual(before)
    await expect(destinations(hostOf(each), resolving(each))).rejects.toMatchObject({ block: { code: each.code } })
  })

  it.each(allowed!)('is connected to where it may be: $title', async ({ each }) => {
    const found = await destinations(hostOf(each), resolving(each))
    expect(found.map(parseIp)).toEqual((each.connectTo ?? each.resolvesTo)!.map(parseIp))
  })

  it('was looked up at the name server, and reached nothing', () => {
    expect(names.asked.size).toBeGreaterThan(15)
    expect(forbidden.reached).toEqual({ connections: 0, bytes: 0 })
  })
})

const codeOf = (error: unknown) => (error instanceof AddressBlocked ? error.block.code : error)

describe('a name that changes its mind', () => {
  it.each(titled(ssrfCases.filter((each) => each.resolvesToSequence)))('$title', async ({ each }) => {
    const options = { resolver: { servers: [names.server] } }
    const met: unknown[] = []
    for (let nth = 1; nth <= each.blockedAt!; nth++) {
      met.push(await destinations(hostOf(each), options).catch(codeOf))
    }
    expect(met).toEqual([...each.resolvesToSequence!.slice(0, -1), each.code])
  })

  it('is judged at each connection, not at registration or by an answer that was kept', async () => {
    const requests: (string | undefined)[] = []
    // 127.0.0.2 is allowed and plays the public address; 127.0.0.1 is this machine like any other.
    await using receiver = await startReceiver((request) => {
      requests.push(request.headers.host)
      return { status: 204, headers: { connection: 'close' } }
    }, '127.0.0.2')
    const { port } = new URL(receiver.url)
    await using loopback = await startForbiddenListener('127.0.0.1', Number(port))
    await using server = await startNameServer((_, nth) => [nth <= 2 ? '127.0.0.2' : '127.0.0.1'])
    const { post } = guardedSender({
      allow: ['127.0.0.2'],
      allowHttp: true,
      resolver: { servers: [server.server] },
    })
    const url = `http://rebinding.example.com:${port}/`
    const met = [await post(url), await post(url), await post(url), await post(url)]
    expect(met.map(({ status, error }) => status ?? error)).toEqual([204, 204, 'blocked', 'blocked'])
    expect(requests).toHaveLength(2)
    expect(loopback.reached).toEqual({ connections: 0, bytes: 0 })
  })
})

describe('a redirect of the sample', () => {
  const redirects = ssrfCases.filter((each) => each.redirectsTo)

  it.each(titled(redirects))('is not followed: $title', async ({ each }) => {
    const [location = ''] = each.redirectsTo!
    // Once as it is, and once to where somebody counts.
    for (const target of [location, location.replace(/(\/\/[^/]+)/, `$1:${forbidden.port}`)]) {
      for (const status of [301, 302, 303, 307, 308]) {
        await using receiver = await startReceiver(() => ({ status, headers: { location: target } }))
        using opened = openedSockets()
        const outcome = await guardedSender({ allow: ['127.0.0.0/8'], allowHttp: true }).post(receiver.url)
        expect(outcome).toMatchObject({ status, error: null })
        expect(opened.sockets).toHaveLength(1)
        expect(receiver.received).toHaveLength(1)
        expect(decide(outcome, failing).next).not.toBe('succeeded')
      }
    }
    expect(forbidden.reached.connections).toBe(0)
  })

  const failing = {
    attempts: 1,
    policy: retryPolicy(undefined, undefined),
    isRetryable: true,
    canWaitInRound: true,
    nowMs: 0,
    random: 0,
  }
})
