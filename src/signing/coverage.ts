/**
 * What a signature proves to be unchanged. `body`: every byte of it; `fields`: only some members of the body, which the
 * scheme's page names; `checksum`: a CRC-32 of the body, which finds accidents, but another body with the same one can be written at will;
 * `token`: a random value that says nothing about the body. `headers`: those that the sender lists.
 */
export type Covered = 'body' | 'checksum' | 'fields' | 'headers' | 'id' | 'method' | 'timestamp' | 'token' | 'url'

/** Where a value stands: in a header, in the JSON body, or in several members of that. */
export type Place = HeaderPlace | BodyPlace | ComputedPlace

/** A header. */
export interface HeaderPlace {
  /** The header's name. */
  readonly header: string
  /** Never beside `header`. */
  readonly body?: never
  /** Never beside `header`. */
  readonly read?: never
}

/** A member of the JSON body. */
export interface BodyPlace {
  /** The dotted path of the member, such as `event.id`. */
  readonly body: string
  /** Never beside `body`. */
  readonly header?: never
  /** Never beside `body`. */
  readonly read?: never
}

/** Members of the JSON body that are one value together. */
export interface ComputedPlace {
  /** What it is made of, for tables and people: `eventId of each item`. */
  readonly from: string
  /** Makes the value of the parsed body; null where the body has none. What it throws counts as null. */
  readonly read: (payload: unknown) => string | null
  /** Never beside `read`. */
  readonly header?: never
  /** Never beside `read`. */
  readonly body?: never
}
