import { readFileSync } from 'node:fs'
import type { Misbehaviour } from './misbehaviour.ts'

const file = (name: string) => readFileSync(new URL(`../certificates/${name}`, import.meta.url))

/** A certificate of test/support/certificates with its key. */
export function certificate(name: 'good' | 'expired' | 'other-name' | 'self-signed') {
  return { cert: file(`${name}.crt`), key: file(`${name}.key`) }
}

/** An agreement that no longer counts as one. SECLEVEL=0, because OpenSSL itself would refuse to offer it. */
export const oldProtocol = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const

/** TLS that must not be agreed on. Its authority is trusted only where NODE_EXTRA_CA_CERTS says so. */
export const brokenTls: readonly Misbehaviour[] = [
  { name: 'signs its certificate itself', meets: ['tls'], tls: certificate('self-signed') },
  { name: 'shows an expired certificate', meets: ['tls'], tls: certificate('expired') },
  { name: "shows another host's certificate", meets: ['tls'], tls: certificate('other-name') },
  { name: 'speaks TLS 1.1', meets: ['tls'], tls: { ...certificate('good'), ...oldProtocol } },
  { name: 'has no certificate', meets: ['tls'], tls: {} },
  {
    name: 'has no TLS at all',
    meets: ['tls'],
    tls: 'plain',
    onRequest: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  },
  { name: 'stalls in the handshake', stalls: true, meets: ['timeout', 'connect_timeout'], tls: 'plain' },
  {
    name: 'resets in the handshake',
    meets: ['reset', 'tls'],
    tls: 'plain',
    onRequest: (socket) => socket.resetAndDestroy(),
  },
  {
    name: 'sends an alert for a greeting',
    meets: ['tls'],
    tls: 'plain',
    onRequest: (socket) => socket.end(Buffer.from('15030300020228', 'hex')),
  },
]
