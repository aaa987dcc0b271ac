/** The tenant of a host app that does not separate its customers. */
export const defaultTenantId = 'default'

/** One registration: where events of which types are sent. It never contains the secret. */
export interface Webhook {
  /** UUIDv7. */
  readonly id: string
  /** The customer of the host app who owns it; `default` unless given. */
  readonly tenantId: string
  /** 1 to 100 characters. */
  readonly name: string
  /** Absolute `https:` URL, or `http:` where the registry allows it, at most 2,048 characters. */
  readonly url: string
  /** 1 to 50 patterns: an exact event type, `prefix.*`, or `*`. */
  readonly events: readonly string[]
  /** Whether deliveries are made. */
  readonly isActive: boolean
  /** Why it is not active: `manual`, or `gone` after the receiver answered 410; null while active. */
  readonly disabledReason: string | null
  /** Free text of the owner, at most 500 characters. */
  readonly description: string | null
  /** Up to 50 string values of the owner's, keys up to 40 and values up to 500 characters. */
  readonly metadata: Readonly<Record<string, string>>
  /** How many deliveries may be under way to it at once, 1 to 1,000; 10 unless given. */
  readonly maxInFlight: number
  /** Who created it, as the host app names them. */
  readonly createdBy: string | null
  /** When it was created. */
  readonly createdAt: Date
  /** When it was last changed. */
  readonly updatedAt: Date
}

/** A webhook together with its current secret, as only create, rotate and reveal return it. */
export interface WebhookWithSecret extends Webhook {
  /** The newest signing secret: `whsec_` and base64. Show it to the owner once. */
  readonly secret: string
}
