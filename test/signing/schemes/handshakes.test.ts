import { createHmac } from 'node:crypto'
import { asana, discord, dropbox, github, intercom, line, meta, notion, slack, zoom } from 'posthorn/schemes'
import { describe, expect, it } from 'vitest'
import { answerHandshake } from '../../../src/signing/handshake.ts'
import type { ChallengeRequest, HandshakeAnswer, Scheme } from '../../../src/signing/scheme.ts'
import { Signer } from '../../../src/signing/signer.ts'
import { Verifier } from '../../../src/signing/verifier.ts'
import { clock } from '../messages.ts'

const secret = 'a-shared-secret'

/** What the verifier answers to a body that the provider signed. */
async function answerTo(scheme: Scheme, payload: unknown, type = 'push'): Promise<HandshakeAnswer | null> {
  const body = JSON.stringify(payload)
  const headers = await new Signer({ secret, scheme, clock }).sign({ id: 'msg_1', type, body })
  const verifier = new Verifier({ secret, scheme, clock })
  return answerHandshake(verifier, await verifier.verify({ headers, body }))
}

async function challenge(scheme: Scheme, request: Partial<ChallengeRequest>): Promise<HandshakeAnswer | null> {
  return (await scheme.challenge?.({ method: 'GET', url: '/', headers: {}, body: '', ...request })) ?? null
}

describe('handshakes of signed requests', () => {
  it('echo the challenge of Slack, in plain text', async () => {
    const answer = await answerTo(slack, { type: 'url_verification', challenge: '<b>3eZ</b>' })
    expect(answer).toMatchObject({ status: 200, body: '<b>3eZ</b>', headers: { 'content-type': 'text/plain' } })
    expect(answer?.headers).toMatchObject({ 'x-content-type-options': 'nosniff' })
    expect(await answerTo(slack, { type: 'event_callback', challenge: 'x' })).toBeNull()
    expect(await answerTo(slack, { type: 'url_verification', challenge: 7 })).toBeNull()
    expect(await answerTo(slack, [])).toBeNull()
  })

  it('sign the token of Zoom with the key that signed the request', async () => {
    const answer = await answerTo(zoom, { event: 'endpoint.url_validation', payload: { plainToken: 'qgg8vlvZRS6' } })
    const encryptedToken = createHmac('sha256', secret).update('qgg8vlvZRS6').digest('hex')
    expect(JSON.parse(answer?.body ?? '')).toEqual({ plainToken: 'qgg8vlvZRS6', encryptedToken })
    expect(await answerTo(zoom, { event: 'meeting.started', payload: { plainToken: 'x' } })).toBeNull()
  })

  it('answer the pings of GitHub and LINE', async () => {
    expect(await answerTo(github, { zen: 'x' }, 'ping')).toMatchObject({ status: 204, body: null })
    expect(await answerTo(github, { zen: 'x' })).toBeNull()
    expect(await answerTo(line, { events: [] })).toMatchObject({ status: 200 })
    expect(await answerTo(line, { events: [{}] })).toBeNull()
  })

  it('answer the PING of Discord in the form that it came in', async () => {
    const verified = (payload: unknown) => ({ payload }) as never // a handshake reads nothing but the payload
    const sign = () => Promise.resolve(new Uint8Array(0))
    expect(await discord.handshake?.(verified({ type: 1 }), sign)).toMatchObject({ status: 200, body: '{"type":1}' })
    expect(await discord.handshake?.(verified({ type: 0 }), sign)).toMatchObject({ status: 204 })
    expect(await discord.handshake?.(verified({ type: 1, event: { type: 'X' } }), sign)).toBeNull()
    expect(await discord.handshake?.(verified({ type: 2 }), sign)).toBeNull()
  })

  it('are none for a body that is no JSON', async () => {
    const headers = await new Signer({ secret, scheme: slack, clock }).sign({ id: 'msg_1', body: 'a=b' })
    const verifier = new Verifier({ secret, scheme: slack, clock })
    expect(await answerHandshake(verifier, await verifier.verify({ headers, body: 'a=b' }))).toBeNull()
  })
})

describe('challenges of unsigned requests', () => {
  it('are answered for Meta only with the verify token', async () => {
    const url = '/?hub.mode=subscribe&hub.verify_token=mine&hub.challenge=1158201444'
    expect(await challenge(meta({ verifyToken: 'mine' }), { url })).toMatchObject({ status: 200, body: '1158201444' })
    expect(await challenge(meta({ verifyToken: 'other' }), { url })).toBeNull()
    expect(await challenge(meta({ verifyToken: 'min' }), { url })).toBeNull()
    expect(await challenge(meta(), { url })).toBeNull()
    expect(await challenge(meta({ verifyToken: 'mine' }), { url, method: 'POST' })).toBeNull()
    expect(() => meta({ verifyToken: '' })).toThrow('verifyToken')
  })

  it('are echoed to Dropbox as text that no browser runs', async () => {
    const answer = await challenge(dropbox, { url: '/hook?challenge=%3Cscript%3E' })
    expect(answer).toMatchObject({ body: '<script>', headers: { 'x-content-type-options': 'nosniff' } })
    expect(await challenge(dropbox, { url: '/hook' })).toBeNull()
    expect(await challenge(dropbox, { url: '/hook?challenge=x', method: 'POST' })).toBeNull()
  })

  it('hand the secret of Asana to the application, and echo it once that has kept it', async () => {
    const kept: string[] = []
    const scheme = asana({ onHookSecret: (hookSecret, url) => void kept.push(`${hookSecret} ${url}`) })
    const request = { method: 'POST', url: '/asana', headers: { 'X-Hook-Secret': 'b537207f20cbfa02357cf448134da559' } }
    expect(await challenge(scheme, request)).toMatchObject({
      status: 200,
      headers: { 'x-hook-secret': request.headers['X-Hook-Secret'] },
    })
    expect(kept).toEqual(['b537207f20cbfa02357cf448134da559 /asana'])
    // An event has no such header: answering it would lose it.
    expect(await challenge(scheme, { method: 'POST', body: '{"events":[]}' })).toBeNull()
    expect(kept).toHaveLength(1)
    expect(await challenge(asana(), request)).toBeNull()
    const refusing = asana({ onHookSecret: () => Promise.reject(new Error('none is being created')) })
    await expect(challenge(refusing, request)).rejects.toThrow('none is being created')
  })

  it('are confirmed to Notion once the application has the token, and to nobody else', async () => {
    const tokens: string[] = []
    const scheme = notion({ onVerificationToken: (token) => void tokens.push(token) })
    const post = (body: string) => challenge(scheme, { method: 'POST', body })
    expect(await post('{"verification_token":"secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}')).toMatchObject({
      status: 200,
    })
    expect(await post('{"type":"page.created"}')).toBeNull()
    expect(await post(`{"verification_token":"x","pad":"${'x'.repeat(5000)}"}`)).toBeNull()
    expect(await post('no JSON')).toBeNull()
    expect(tokens).toEqual(['secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl'])
    const request = { method: 'POST', body: '{"verification_token":"x"}' }
    expect(await challenge(notion(), request)).toBeNull()
    const refusing = notion({ onVerificationToken: () => Promise.reject(new Error('none is being created')) })
    await expect(challenge(refusing, request)).rejects.toThrow('none is being created')
  })

  it('are answered to the HEAD request of Intercom, and to no other', async () => {
    expect(await challenge(intercom, { method: 'HEAD' })).toMatchObject({ status: 200, body: null })
    expect(await challenge(intercom, { method: 'GET' })).toBeNull()
    expect(await challenge(intercom, { method: 'POST', body: '{}' })).toBeNull()
  })
})
