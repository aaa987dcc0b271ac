import { createVerifyKey, type KeySource } from './key.ts'
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

/** Prepares the verifier's keys, or takes the source of them. */
export const createKeySource = (
  secret: SecretInput | readonly SecretInput[] | KeySource,
  { keySource, readSecret: read }: Scheme,
): KeySource => {
  const source = secret ?? keySource
  if (typeof source === 'function') return source
  const keys = listSecrets(source).flatMap((given, index) => {
    const label = `Verifier: secret ${index + 1}`
    // as: what is no object with these members is read as a text, or refused as none.
    const { secret: text = given, id = null, notAfter = Infinity } = (given ?? {}) as Partial<NamedSecret>
    const notAfterMs = Number(notAfter ?? NaN)
    if (!(notAfterMs >= 0)) throw invalidSecret(label, 'has no valid notAfter')
    return readSecret(text, read, label).map((material) => createVerifyKey(material, index, id, notAfterMs))
  })
  return ({ isRetry }) => (isRetry ? [] : keys)
}

/** Lists one secret, or up to 16 of them. */
export const listSecrets = (secret: unknown): readonly unknown[] => {
  const secrets = [secret].flat()
  const { length } = secrets
  if (!length || length > maxSignatures) throw invalidSecret('secret', `takes 1 to ${maxSignatures} secrets`)
  return secrets
}
