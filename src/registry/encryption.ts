/** Where a sealed text belongs. What was sealed for one place opens in no other. */
export interface SealContext {
  /** The tenant who owns it. */
  readonly tenantId: string
  /** The webhook whose it is; of an answer, the id that it is kept under. */
  readonly webhookId: string
  /**
   * What it is: `secrets`, the signing secrets of a webhook and the values of its headers; `answer`, an answer of the management API that is
   * kept for repeats of its request, secrets included.
   */
  readonly field: string
}

/**
 * Seals what must not stand in the database in clear, and opens it again. {@link keyring} makes one of keys that you hold; an object
 * of this shape over a KMS is one too. What was opened is kept in memory, at most 10,000 webhooks at a time, so that `open` is not
 * called for every delivery.
 *
 * `open` throws a {@link PosthornError} `SECRET_UNREADABLE` where a text can never be opened: deliveries to that webhook then fail. Any
 * other error, and an answer that takes longer than 10 s, means that the KMS is away: deliveries wait and are tried again.
 *
 * Where a webhook is created in a transaction of the caller's, `seal` is asked while that is open.
 *
 * @example
 * const encryption: Encryption = {
 *   seal: async (text, context) => `kms:${await kms.encrypt(keyId, text, JSON.stringify(context))}`,
 *   open: async (sealed, context) => await kms.decrypt(sealed.slice('kms:'.length), JSON.stringify(context)),
 *   isCurrent: (sealed) => sealed.startsWith('kms:'),
 * }
 */
export interface Encryption {
  /** Seals a text for a place. */
  seal(text: string, context: SealContext): string | Promise<string>
  /** Opens what {@link Encryption.seal} made for the same place. */
  open(sealed: string, context: SealContext): string | Promise<string>
  /** Says whether a text was sealed with the key that seals now; {@link WebhookRegistry.reseal} seals the others anew. */
  isCurrent(sealed: string): boolean
  /**
   * Makes keys for another purpose of Posthorn's, 32 bytes each, the one to use first: the cursors of the management API are signed
   * with them. Without it they need a key of their own.
   */
  deriveKeys?(purpose: string): readonly Uint8Array[]
}

/** Refuses what is neither an {@link Encryption} nor `'none'`; throws TypeError. */
export function checkEncryption(encryption: unknown): Encryption | 'none' {
  if (encryption === 'none') return encryption
  const methods = ['seal', 'open', 'isCurrent']
  const isRight =
    typeof encryption === 'object' &&
    encryption !== null &&
    methods.every((name) => typeof Reflect.get(encryption, name) === 'function')
  if (isRight) return encryption as Encryption // its methods were looked at
  throw new TypeError("encryption must be keyring({ id: key }), an object with seal, open and isCurrent, or 'none'.")
}

/** The encryption of a registry that was given none; throws TypeError in production, where that must be written out. */
export function defaultEncryption(): 'none' {
  if (process.env['NODE_ENV'] !== 'production') return 'none'
  throw new TypeError(
    'WebhookRegistry needs { encryption } in production (NODE_ENV=production), or the database holds every secret in clear: ' +
      "pass keyring({ k1: process.env.POSTHORN_KEY }), with a key of `openssl rand -base64 32`, or write encryption: 'none'.",
  )
}
