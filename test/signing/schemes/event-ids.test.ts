import { createHmac } from 'node:crypto'
import { coinbase, docusign, hubspot, line, sendgrid } from 'posthorn/schemes'
import { describe, expect, it, vi } from 'vitest'
import { memoryIdempotency, type EventHandler } from 'posthorn/receiver'
import { Signer, Verifier, type Scheme } from 'posthorn/verify'
import { createTestReceiver, url } from '../../receiver/receiver-fixture.ts'
import { clock, nowSeconds } from '../messages.ts'

const secret = 'a-shared-secret'

/** The event id of a payload, as the scheme reads it once it is verified. */
function idOf({ eventId }: Scheme, payload: unknown): string | null {
  if (eventId === null || !('read' in eventId)) throw new Error('The scheme makes no id of several members.')
  return eventId.read(payload)
}

describe('the event id of a batch', () => {
  const item = (id: unknown) => ({ webhookEventId: id })
  const batch = (...ids: unknown[]) => idOf(line, { events: ids.map(item) })

  it('is that of its only event', () => {
    expect(batch('01H')).toBe('01H')
  })

  it('is the same in any order and with any event twice, and another with one event more or less', () => {
    expect(batch('b', 'a', 'a')).toBe(batch('a', 'b'))
    const ids = [batch('a'), batch('a', 'b'), batch('a', 'b', 'c'), batch('b'), batch('a,b'), batch('a', 'b,c')]
    expect(new Set(ids).size).toBe(ids.length)
  })

  it.each([[[]], [['a', undefined]], [['a', '']], [[{}]]])('is none for %j, of which one could be lost', (ids) => {
    expect(batch(...ids)).toBeNull()
  })

  it('is none for a body of another form', () => {
    for (const payload of [undefined, null, 7, 'a', {}, [], { events: 'a' }, { events: [null] }])
      expect(idOf(line, payload)).toBeNull()
  })

  it('is made of every sg_event_id of SendGrid', () => {
    expect(idOf(sendgrid, [{ sg_event_id: 'x' }, { sg_event_id: 'y' }])).toBe('x,y')
  })

  it('is made of what names an event of HubSpot, and not of the attempt', () => {
    const scheme = hubspot({ publicUrl: 'https://example.com/' })
    const event = { eventId: 1, subscriptionId: 2, portalId: 3, objectId: 4, occurredAt: 5, attemptNumber: 0 }
    expect(idOf(scheme, [event])).toBe('1:2:3:4:5')
    expect(idOf(scheme, [{ ...event, attemptNumber: 1 }])).toBe(idOf(scheme, [event]))
    // HubSpot does not promise that an eventId is unique.
    for (const name of ['eventId', 'subscriptionId', 'portalId', 'objectId', 'occurredAt'])
      expect(idOf(scheme, [{ ...event, [name]: 9 }])).not.toBe(idOf(scheme, [event]))
  })

  it('lets a receiver drop the same batch alone', async () => {
    const handler = vi.fn<EventHandler>()
    const verifier = new Verifier({ secret, scheme: line })
    const { receiver } = createTestReceiver({ verifier, on: {}, onUnknown: handler, idempotency: memoryIdempotency() })
    const post = async (...ids: string[]) => {
      const body = JSON.stringify({ events: ids.map(item) })
      const headers = await new Signer({ secret, scheme: line }).sign({ id: 'x', body })
      return (await receiver.fetch(new Request(url, { method: 'POST', headers, body }))).status
    }
    for (const ids of [['a', 'b'], ['b', 'a'], ['a', 'c'], ['a']]) expect(await post(...ids)).toBe(200)
    expect(handler.mock.calls.map(([event]) => event.id)).toEqual(['a,b', 'a,c', 'a'])
  })
})

describe('docusign', () => {
  const envelope = {
    event: 'recipient-completed',
    generatedDateTime: '2026-01-01T00:00:00Z',
    data: { envelopeId: 'e-1', recipientId: '1' },
    retryCount: 0,
  }

  it('names an event by envelope, event, recipient and time, not by the retry', () => {
    const id = idOf(docusign, envelope)
    expect(id).toBe('e-1:recipient-completed:1:2026-01-01T00%3A00%3A00Z')
    expect(idOf(docusign, { ...envelope, retryCount: 1 })).toBe(id)
    expect(idOf(docusign, { ...envelope, data: { envelopeId: 'e-1', recipientId: '2' } })).not.toBe(id)
    expect(idOf(docusign, { event: 'x' })).toBeNull()
  })

  it('reads a hundred signatures, and no more', async () => {
    const body = JSON.stringify(envelope)
    const mac = (key: string) => createHmac('sha256', key).update(body).digest('base64')
    const headers = (last: number) =>
      Object.fromEntries(
        Array.from({ length: last }, (_, index) => [
          `X-DocuSign-Signature-${index + 1}`,
          mac(index + 1 === last ? secret : `other ${index}`),
        ]),
      )
    const verify = (last: number) => new Verifier({ secret, scheme: docusign }).verify({ headers: headers(last), body })
    expect((await verify(100)).eventId).toBe(idOf(docusign, envelope))
    await expect(verify(101)).rejects.toMatchObject({ code: 'SIGNATURE_MISMATCH' })
  })

  it('has no id for a body in XML', async () => {
    const body = '<DocuSignEnvelopeInformation/>'
    const headers = { 'X-DocuSign-Signature-1': createHmac('sha256', secret).update(body).digest('base64') }
    expect((await new Verifier({ secret, scheme: docusign }).verify({ headers, body })).eventId).toBeNull()
  })
})

describe('coinbase', () => {
  const verified = (list: string, values: string) => {
    const content = `${nowSeconds}.${list}.${values}.{}`
    const signature = createHmac('sha256', secret).update(content).digest('hex')
    const headers = { 'X-Hook0-Signature': `t=${nowSeconds},h=${list},v1=${signature}`, 'X-Event-Id': 'e-1', Host: 'a' }
    return new Verifier({ secret, scheme: coinbase, clock }).verify({ headers, body: '{}' })
  }

  it('takes the id of the event from X-Event-Id, only where that is signed', async () => {
    expect((await verified('host x-event-id', 'a.e-1')).eventId).toBe('e-1')
    expect((await verified('host', 'a')).eventId).toBeNull()
  })
})
