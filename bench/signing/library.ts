/** One message on its way: what a signer gets, and what a receiver sees of it. */
export interface Message {
  readonly id: string
  readonly text: string
  /** The body as it arrives. */
  readonly bytes: Buffer
}

/** A library that signs and verifies, prepared once as an app would. */
export interface Library {
  /** Signs a message, giving the headers to send. */
  readonly sign: (message: Message) => Promise<Record<string, string>> | Record<string, string>
  /** Verifies it; throws where the signature is wrong. */
  readonly verify: (message: Message, headers: Record<string, string>) => unknown
  /** Verifies it and gives the parsed body; undefined where the library does nothing of the kind. */
  readonly parse?: (message: Message, headers: Record<string, string>) => unknown
}
