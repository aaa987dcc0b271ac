import type { SecretFormat } from './secret.ts'

/**
 * How a signature is laid out: data, and one function that lays out the signed content for signing and verifying alike.
 * Posthorn ships {@link standardWebhooks} and {@link ipaScheme}; an object of this shape is a scheme too.
 */
export interface Scheme {
  /** The scheme's name, as {@link VerifiedWebhook.scheme} reports it. */
  readonly name: string
  /** What turns key and content into a signature. A key is only ever used with its scheme's algorithm. */
  readonly algorithm: 'hmac-sha256'
  /** How the secret's text becomes key bytes. */
  readonly secretFormat: SecretFormat
  /** Where and how the signature is written. */
  readonly signature: SignatureLayout
  /** The header with the event's id; null where the scheme has none. */
  readonly idHeader: string | null
  /** The header with the time of the attempt, in whole seconds since the epoch; null where the scheme signs no time. */
  readonly timestampHeader: string | null
  /** The header with the event's type, which is not signed; null where the scheme has none. */
  readonly typeHeader: string | null
  /** Lists the parts that are signed, in order and without anything between them; a string counts as its UTF-8 bytes. */
  readonly signedContent: (message: SignedMessage) => readonly (string | Uint8Array)[]
  /**
   * Writes the body that this scheme's receivers expect; `JSON.stringify` is used where it is absent.
   *
   * @throws TypeError when the payload has no JSON form; RangeError when it is nested too deeply, as from `JSON.stringify`.
   */
  readonly serialize?: (payload: unknown) => string
}

/** Where and how a {@link Scheme} writes its signature. */
export interface SignatureLayout {
  /** The header's name as it is sent; it is read in any case. */
  readonly header: string
  /** How the signature's bytes are written. Hex is sent in lower case and read in either. */
  readonly encoding: 'base64' | 'hex'
  /** What stands before each signature, such as `v1,`; empty for nothing. Entries of a list that start otherwise are skipped. */
  readonly prefix: string
  /**
   * `list`: signatures separated by spaces, one for each key, up to 16.
   * `single`: one signature, made with the newest key.
   */
  readonly syntax: 'list' | 'single'
}

/** What a {@link Scheme} may sign, exactly as it stands in the request. */
export interface SignedMessage {
  /** The id header's text; empty where the scheme has no such header. */
  readonly id: string
  /** The timestamp header's text; empty where the scheme has no such header. */
  readonly timestamp: string
  /** The body: bytes, or text that is sent as its UTF-8 bytes. */
  readonly body: string | Uint8Array
}

/** Refuses what is not a scheme, or one with a value that would be silently taken for another. */
export function checkScheme(owner: string, scheme: Scheme): Scheme {
  if (typeof scheme !== 'object' || scheme === null || typeof scheme.signedContent !== 'function') {
    throw new TypeError(`${owner}: scheme must be a Scheme such as standardWebhooks, not ${describe(scheme)}.`)
  }
  checkChoice(owner, 'algorithm', scheme.algorithm, ['hmac-sha256'])
  checkChoice(owner, 'secretFormat', scheme.secretFormat, ['standard', 'text'])
  checkChoice(owner, 'signature.encoding', scheme.signature?.encoding, ['base64', 'hex'])
  checkChoice(owner, 'signature.syntax', scheme.signature?.syntax, ['list', 'single'])
  return scheme
}

function checkChoice(owner: string, member: string, value: unknown, choices: readonly string[]): void {
  if (choices.some((choice) => choice === value)) return
  throw new TypeError(`${owner}: scheme.${member} must be '${choices.join("' or '")}', not ${describe(value)}.`)
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : value === null ? 'null' : typeof value
}
