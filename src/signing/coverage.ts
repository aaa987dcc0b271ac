/**
 * What a signature proves to be unchanged. `body`: every byte of it; `fields`: only some members of the body, which the
 * scheme's page names; `token`: a random value that says nothing about the body. `headers`: those that the sender lists.
 */
export type Covered = 'body' | 'fields' | 'headers' | 'id' | 'method' | 'timestamp' | 'token' | 'url'

/** Where a value stands: in a header, or in the JSON body. */
export type Place = HeaderPlace | BodyPlace

/** A header. */
export interface HeaderPlace {
  /** The header's name. */
  readonly header: string
  /** Never beside `header`. */
  readonly body?: never
}

/** A member of the JSON body. */
export interface BodyPlace {
  /** The dotted path of the member, such as `event.id`. */
  readonly body: string
  /** Never beside `body`. */
  readonly header?: never
}
