import type { AttemptErrorCode } from './delivery.ts'

/** What one attempt met: a response, or an error without one. A value, never an exception. */
export type Outcome = OutcomeTime & (ResponseOutcome | ErrorOutcome)

/** When an attempt was made and how long it took. */
export interface OutcomeTime {
  /** When the request was started. */
  readonly startedAt: Date
  /** Until the response ended, or the error came, in milliseconds. */
  readonly durationMs: number
}

/** The receiver answered. */
export interface ResponseOutcome {
  /** HTTP status. */
  readonly status: number
  /** Always null: tells it from an {@link ErrorOutcome}. */
  readonly error: null
  /** Headers by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** The body's first 16 KiB as text. */
  readonly body: string
}

/** No response came back. */
export interface ErrorOutcome {
  /** Always null: tells it from a {@link ResponseOutcome}. */
  readonly status: null
  /** Why. */
  readonly error: AttemptErrorCode
  /** What the address guard found, for the operator alone; null or left out where it was not the guard. */
  readonly block?: AddressFinding | null
}

/** What the address guard found. */
export interface AddressFinding {
  /** The rule. */
  readonly code: string
  /** What was found, with host and address, never with path or query. */
  readonly reason: string
}
