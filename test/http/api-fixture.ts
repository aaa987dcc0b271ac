import { createWebhookApi, type Problem, type ProblemCode, type WebhookApiOptions } from 'posthorn/http'
import { expect, onTestFinished } from 'vitest'
import { EventDispatcher } from '../../src/delivery/event-dispatcher.ts'
import { defineEvents, type EventCatalogue } from '../../src/domain/catalogue.ts'
import type { StandardSchema } from '../../src/domain/standard-schema.ts'
import type { Encryption } from '../../src/registry/encryption.ts'
import { WebhookRegistry } from '../../src/registry/webhook-registry.ts'
import { memoryStorage } from '../../src/storage/memory/memory-storage.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { loopback } from '../support/loopback.ts'

/** What came back, its body parsed. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: AnswerBody
}

/** The members that tests read by name; what an answer really has is looked at by matchers. */
interface AnswerBody extends Problem {
  readonly id: string
  readonly name: string
  readonly secret: string
  readonly createdAt: string
  readonly updatedAt: string
  readonly deliveryId: string
  readonly attempt: unknown
  readonly metadata: unknown
  readonly nextCursor: string
  readonly data: readonly AnswerBody[]
  readonly maxInFlight: number
}

/** Whatever it is given is right. */
const anything: StandardSchema = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) },
}

export const catalogue: EventCatalogue = defineEvents({ 'execution.completed': anything, 'execution.failed': anything })

/** Builds the API over memory. Requests name their tenant in `x-tenant` (`acme` where they do not), and `nobody` is not known. */
export function buildApi(
  options: Partial<WebhookApiOptions> & {
    readonly storage?: Storage
    readonly events?: EventCatalogue | null
    readonly encryption?: Encryption | 'none'
  } = {},
) {
  const { storage = memoryStorage(), events = catalogue, encryption = 'none', ...apiOptions } = options
  const registry = new WebhookRegistry({ addresses: loopback, storage, encryption, ...(events !== null && { events }) })
  const dispatcher = new EventDispatcher({ registry, retry: { retries: 0 } })
  onTestFinished(async () => await dispatcher.stop({ timeoutMs: 1_000 }))
  const errors: unknown[] = []
  const api = createWebhookApi({
    registry,
    dispatcher,
    authorize: (request) => {
      const tenantId = request.headers.get('x-tenant') ?? 'acme'
      return tenantId === 'nobody' ? null : { tenantId, createdBy: 'ann' }
    },
    onError: (error) => void errors.push(error),
    ...apiOptions,
  })

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const init: RequestInit = { method, headers: { ...headers } }
    if (body !== undefined) {
      init.body = typeof body === 'string' || body instanceof Uint8Array ? (body as BodyInit) : JSON.stringify(body)
      init.headers = { 'content-type': 'application/json', ...headers }
    }
    return await read(await api(new Request(`http://localhost${path}`, init)))
  }

  return { storage, registry, dispatcher, api, errors, call }
}

/** Reads an answer to its end. */
export async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== ''
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
}

/** A webhook as a client writes it. */
export function input(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { name: 'ci', url: 'https://example.com/hook', events: ['execution.completed'], ...fields }
}

/** Checks that an answer is a problem in every respect that all of them share. */
export function expectProblem(answer: Answer, status: number, code: ProblemCode): Problem {
  expect(answer.status, answer.text).toBe(status)
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expectSafeHeaders(answer)
  expect(answer.body).toEqual({
    type: 'about:blank',
    title: expect.stringMatching(/^[A-Z][A-Za-z ]+$/),
    status,
    detail: expect.stringMatching(/.{10,}\.$/),
    code,
    issues: expect.any(Array),
  })
  return answer.body
}

/** Checks the headers that every answer has. */
export function expectSafeHeaders(answer: Answer): void {
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
}

/** An id of the right form that nothing has. */
export const missingId = '01890a5d-ac96-774b-bcce-b302099a8057'
