/** Where a sender keeps its events. */
export type StoreLocation =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly host: string; readonly user: string; readonly database: string }

/** How the senders of a run work. */
export interface SenderSettings {
  readonly location: StoreLocation
  /** Requests of one sender under way at once. */
  readonly inFlight: number
  readonly leaseMs: number
  /** Pause between two dispatches of one of its lanes, in milliseconds. */
  readonly paceMs: number
  /** How many webhooks there are: event n is of type `chaos.w` + n modulo this. */
  readonly webhooks: number
  /** Every how many events one is dispatched in a transaction of the caller's, with a row of its own; 0 for none. */
  readonly transactionEvery: number
  /** A fault of `seeded-faults.ts` that its engine has; empty for none. */
  readonly fault: string
}

/** What one sender is told on a line of its standard input. */
export interface SenderTask extends SenderSettings {
  /** The same for whoever takes its place. */
  readonly name: string
  /** The events to dispatch. */
  readonly numbers: readonly number[]
  /** Whether it ends by itself once nothing is pending. */
  readonly isLast: boolean
}
