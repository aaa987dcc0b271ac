const hidden = '[secret]'

/** A text that must not be shown: whatever prints it, prints `[secret]`. */
export class SecretText {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** Gives the text itself, to whoever asks for it on purpose. */
  reveal(): string {
    return this.#text
  }

  toString(): string {
    return hidden
  }

  toJSON(): string {
    return hidden
  }

  /** What `util.inspect`, and with it `console.log`, prints on Node, Bun and Deno. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return hidden
  }
}
