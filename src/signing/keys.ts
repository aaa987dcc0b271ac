import { createVerifyKey, type KeySource, type VerifyKey } from './key.ts'
import { isObject } from './member.ts'
import { wrongOption } from './options.ts'
import type { Scheme } from './scheme.ts'
import { invalidSecret, readSecret } from './secret.ts'
import { maxSignatures } from './signature-header.ts'

/** A secret with what else is known about it. */
export interface NamedSecret {
  /** The secret's text. */
  readonly secret: string | undefined
  /** A name by which {@link VerifiedWebhook.keyId} reports it; not secret itself. */
  readonly id?: string
  /** The instant from which on its signatures are refused with `KEY_EXPIRED`; never unless given. */
  readonly notAfter?: Date
}

/** A secret as text, or with a name and an end. */
export type SecretInput = string | NamedSecret | undefined

/** Prepares the verifier's keys, or gives the source of them. */
export function createVerifyKeys(
  secret: SecretInput | readonly SecretInput[] | KeySource,
  { keySource, readSecret: read }: Scheme,
): readonly VerifyKey[] | KeySource {
  if (typeof secret === 'function') return secret
  if (keySource && secret === undefined) return keySource
  return listSecrets('Verifier', secret).flatMap(([label, given], index) => {
    // as: of another object every member is undefined, which no secret may be.
    const { secret: text, id = null, notAfter } = (isObject(given) ? given : { secret: given }) as NamedSecret
    const notAfterMs = Number(notAfter ?? Infinity)
    if (Number.isNaN(notAfterMs)) throw wrongOption(label, 'notAfter', 'a valid Date', notAfter)
    return readSecret(text, read, label).map((material) => {
      if (material.isPrivate) throw invalidSecret(label, 'is a private key: give the public one, whpk_')
      return createVerifyKey(material, index, id, notAfterMs)
    })
  })
}

/** Lists one secret, or up to 16 of them, each with the name that errors give it. */
export function listSecrets(owner: string, secret: unknown): (readonly [label: string, given: unknown])[] {
  if (!Array.isArray(secret)) return [[`${owner}: secret`, secret]]
  const secrets: readonly unknown[] = secret
  if (!secrets.length || secrets.length > maxSignatures)
    throw invalidSecret(`${owner}: secret`, `takes 1 to ${maxSignatures} secrets, not ${secrets.length}`)
  return secrets.map((given, index) => [`${owner}: secret[${index}]`, given])
}
