import { PosthornError } from '../../src/domain/error.ts'
import { standardWebhooks } from '../../src/signing/schemes/standard-webhooks.ts'
import { Signer, type SignInput } from '../../src/signing/signer.ts'
import { Verifier, type VerifierOptions } from '../../src/signing/verifier.ts'

/** The tests' "now", in whole seconds and in milliseconds. */
export const nowSeconds = 1_700_000_000
export const nowMs = nowSeconds * 1000
export const clock = () => nowMs

export const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
export const otherSecret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
export const thirdSecret = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX'

export const body = '{"type":"order.paid","data":{"id":42}}'

/** Signs a Standard Webhooks message at the tests' now. */
export function signed(message: Partial<SignInput> = {}, secrets: string | readonly string[] = secret) {
  return new Signer({ secret: secrets, scheme: standardWebhooks, clock }).sign({ id: 'msg_1', body, ...message })
}

export function verifier(options: Partial<VerifierOptions> = {}): Verifier {
  return new Verifier({ secret, clock, ...options })
}

/** Answers the code a promise rejects with; fails for a promise that does not reject with a PosthornError. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  )
  if (error instanceof PosthornError) return error.code
  throw error
}

/** Answers what a function throws; fails when it throws nothing. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('it threw nothing')
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}
