import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import { Agent, request } from 'undici'

/** Signs a body as Standard Webhooks has it and posts it; rejects where it is not taken. */
export type Send = (id: string, body: string) => Promise<void>

/** The sending of every contender but Posthorn, by the global `fetch`, as most would, or by `undici`, which Posthorn is built on. */
export function createSend(client: string, url: string): Send {
  const key = createSecretKey(randomBytes(32))
  const post = client === 'undici' ? createUndiciPost(url) : createFetchPost(url)
  return async (id, body) => {
    const timestamp = String(Math.floor(Date.now() / 1000))
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'bench',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    }
    const status = await post(headers, body)
    if (status !== 204) throw new Error(`The receiver answered ${status}.`)
  }
}

type Post = (headers: Record<string, string>, body: string) => Promise<number>

function createUndiciPost(url: string): Post {
  const dispatcher = new Agent()
  return async (headers, body) => {
    const response = await request(url, { dispatcher, method: 'POST', headers, body })
    await response.body.dump()
    return response.statusCode
  }
}

function createFetchPost(url: string): Post {
  return async (headers, body) => {
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual' })
    await response.arrayBuffer()
    return response.status
  }
}
