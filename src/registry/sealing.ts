/** One signing key of a webhook. */
export interface StoredKey {
  /** `whsec_` and base64. */
  readonly secret: string
  /** When it stops signing, in milliseconds since the epoch; null for the newest. */
  readonly expiresAt: number | null
}

/** What a webhook keeps to itself: its signing keys, newest first. */
export interface WebhookSecrets {
  /** Never empty. */
  readonly keys: readonly StoredKey[]
}

/** Writes the secrets of a webhook as the text that storage keeps. */
export function seal(secrets: WebhookSecrets): string {
  return JSON.stringify({ v: 1, keys: secrets.keys })
}

/**
 * Reads what {@link seal} wrote.
 * @throws {TypeError} where the text is not of that form, without quoting it.
 */
export function unseal(sealed: string): WebhookSecrets {
  const value = parse(sealed)
  const keys = isRecord(value) && value['v'] === 1 && Array.isArray(value['keys']) ? value['keys'] : []
  if (keys.length === 0 || !keys.every(isStoredKey)) {
    throw new TypeError(
      'The stored secrets of the webhook cannot be read: they are damaged, or a newer version wrote them.',
    )
  }
  return { keys }
}

/** The secrets that sign at an instant, newest first. */
export function liveSecrets(secrets: WebhookSecrets, nowMs: number): string[] {
  return secrets.keys.filter((key) => key.expiresAt === null || key.expiresAt > nowMs).map((key) => key.secret)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // Answered by the caller's own error: the parser's would quote the text.
  }
}

function isStoredKey(value: unknown): value is StoredKey {
  if (!isRecord(value) || typeof value['secret'] !== 'string') return false
  return value['expiresAt'] === null || Number.isFinite(value['expiresAt'])
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
