import type { ComputedPlace, Covered, Place } from './coverage.ts'
import type { Content } from './crypto-seam.ts'
import type { Encoding } from './encoding.ts'
import type { HeaderTexts, HeadersInput } from './header-reader.ts'
import type { KeySource, SecretReader, SigningAlgorithm } from './key.ts'
import { wrongOption } from './options.ts'
import type { TimeUnit } from './timestamp.ts'
import type { VerifiedWebhook } from './verified-webhook.ts'

export type { ComputedPlace, Covered, Place }

/**
 * How a signature is laid out: data, and one function that lays out the signed content for signing and verifying alike.
 * Posthorn ships one for each provider of `posthorn/schemes`; `defineHmacScheme` makes one from plain data.
 */
export interface Scheme {
  /** The scheme's name, as {@link VerifiedWebhook.scheme} reports it. */
  readonly name: string
  /** What the signature covers. Without `body`, whoever captured a request can replace what it says. */
  readonly covers: readonly Covered[]
  /** Turns a secret's text into keys, or says what is wrong with it. A key is only ever used with its own algorithm. */
  readonly readSecret: SecretReader
  /** Where and how the signature is written. */
  readonly signature: SignatureLayout
  /** Where the event's id is, by which repeats are known; null where the sender gives none. */
  readonly eventId: Place | null
  /** Where the event's type is; null where it is not known from one place. */
  readonly eventType: Place | null
  /** Where the signed time is; null where none is signed, so that a replay cannot be seen by its age. */
  readonly timestamp: TimestampLayout | null
  /**
   * Lists the parts that are signed, in order and without anything between them; null for a message that contradicts itself. Where it is
   * not known what the provider signed, `{ anyOf }` with several such lists, likeliest first: a few at most, since each costs a signature for
   * every key.
   */
  readonly signedContent: (message: SignedMessage) => SignedContent | null | Promise<SignedContent | null>
  /** Set where the sender names a time that is not signed, which is then never used; {@link VerifiedWebhook.freshness} says so. */
  readonly freshness?: 'unsigned'
  /** Whether signature and time stand in the body, which is then read before anything is proven. */
  readonly isInBody?: true
  /**
   * Divides headers that hold several values into texts of their own, under the names that the members above use; or finds those in the
   * body, which is given only to schemes with {@link Scheme.isInBody}.
   */
  readonly divide?: (headers: HeaderTexts, body: Uint8Array) => HeaderTexts
  /** Writes the headers of a signed message; without it each value has a header of its own. Null where requests cannot be signed. */
  readonly writeHeaders?: ((values: WrittenValues) => Record<string, string>) | null
  /** Where the keys are, for schemes whose sender publishes them; the verifier then takes no secret. */
  readonly keySource?: KeySource
  /** Answers a request that nobody signed and that is no event, such as the provider's question whether this URL is yours; null for any other. */
  readonly challenge?: (request: ChallengeRequest) => HandshakeAnswer | null | Promise<HandshakeAnswer | null>
  /** Answers a verified request that is no event, such as a ping; null for any other. */
  readonly handshake?: (
    verified: VerifiedWebhook,
    sign: (text: string) => Promise<Uint8Array>,
  ) => HandshakeAnswer | null | Promise<HandshakeAnswer | null>
  /**
   * Writes the body that this scheme's receivers expect; `JSON.stringify` is used where it is absent.
   *
   * @throws TypeError when the payload has no JSON form; RangeError when it is nested too deeply, as from `JSON.stringify`.
   */
  readonly serialize?: (payload: unknown) => string
}

/** What is signed, or may be. */
export type SignedContent = Content | SignedContents

/** Several contents, one of which the provider signed. */
export interface SignedContents {
  /** The contents, likeliest first; a {@link Signer} signs the first. */
  readonly anyOf: readonly Content[]
}

/** Lists all that may be signed. Told apart by a member that no list has: parts are made of what strangers send. */
export const contentsOf = (content: SignedContent): readonly Content[] =>
  // as: of a list that member is undefined.
  (content as Partial<SignedContents>).anyOf ?? [content as Content]

/** Where and how a {@link Scheme} writes its signature. */
export interface SignatureLayout {
  /** The header's name as it is sent; it is read in any case. */
  readonly header: string
  /** How the signature's bytes are written. */
  readonly encoding: Encoding
  /**
   * What stands before a signature, such as `v1,`, for each algorithm that the scheme allows; empty for nothing. Entries
   * of a list that start otherwise are skipped.
   */
  readonly prefixes: Readonly<Partial<Record<SigningAlgorithm, string>>>
  /**
   * `list`: signatures separated by spaces, one for each key.
   * `single`: one signature, made with the newest key.
   */
  readonly syntax: 'list' | 'single'
  /** How many signatures a list may have; 16 where absent. */
  readonly maxSignatures?: number
}

/** Where a {@link Scheme} has the time that it signs. */
export interface TimestampLayout {
  /** Where it stands; in the body only where the body is signed. */
  readonly place: Place
  /** How the time is written. */
  readonly unit: TimeUnit
  /** The age that the provider allows, in milliseconds; 300,000 where absent. */
  readonly maxAgeMs?: number
  /** How far ahead of our clock it may be, in milliseconds; 60,000 where absent. */
  readonly maxFutureMs?: number
}

/** What a {@link Scheme} may sign, exactly as it stands in the request. */
export interface SignedMessage {
  /** The event id as its header has it; empty where there is none. */
  readonly id: string
  /** The time as it was sent; empty where there is none. */
  readonly timestamp: string
  /** The body: bytes, or text that is sent as its UTF-8 bytes. */
  readonly body: string | Uint8Array
  /** The request's method in upper case; `POST` where it is not known. */
  readonly method: string
  /** The request's URL as the server sees it, whole or from its path on; empty where it is not known. */
  readonly url: string
  /** Gives a header's text, or one that {@link Scheme.divide} made, repeated ones joined by `", "`; empty where it is absent. */
  readonly header: (name: string) => string
}

/** What a {@link Signer} puts into headers. */
export interface WrittenValues {
  /** The signatures with their prefixes; one unless the syntax is a list. */
  readonly signatures: readonly string[]
  /** The time as it was signed; empty where there is none. */
  readonly timestamp: string
  /** The event's id; empty where the scheme sends none. */
  readonly id: string
  /** The message as it was signed. */
  readonly message: SignedMessage
}

/** A request that may be a {@link Scheme.challenge}. */
export interface ChallengeRequest {
  /** The method in upper case. */
  readonly method: string
  /** The URL, whole or from its path on. */
  readonly url: string
  /** The headers in any of the usual forms. */
  readonly headers: HeadersInput
  /** The raw body; empty for GET. */
  readonly body: string | Uint8Array | ArrayBuffer
}

/** What to answer to a provider's handshake; a fetch server may say `new Response(answer.body, answer)`. */
export interface HandshakeAnswer {
  /** The HTTP status. */
  readonly status: number
  /** The headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The body; null for none. */
  readonly body: string | null
}

/** Refuses what is not a scheme. */
export const checkScheme = (owner: string, scheme: Scheme): Scheme => {
  if (scheme?.signature?.encoding) return scheme
  throw wrongOption(owner, 'scheme', 'a Scheme', scheme)
}
