/** Says that a delivery is due, or will be. It carries no state: the row in storage does. */
export interface Hint {
  /** The delivery. */
  readonly deliveryId: string
  /** Names the occasion, without colons: the same occasion always has the same key, so that what is published twice is one hint. */
  readonly key: string
  /** When the delivery is due, in milliseconds from now. */
  readonly delayMs: number
  /**
   * True where the sweeper found the delivery overdue and tells of it again: as it will, under the same key, for as long as that is so. While such a
   * hint is there, another one must be dropped; once it was handed over and used up, its key must be forgotten, so that the next one counts.
   */
  readonly isRepeat?: true
}

/** Whom a transport tells what went wrong. */
export interface TransportListener {
  /** Told of everything that fails on a connection of the transport's; `during` says what it was doing. Never throws. */
  readonly onError: (error: unknown, during: string) => void
}

/** What a transport hands hints to. */
export interface HintSubscriber extends TransportListener {
  /** The most hints it may hand over at once, each until its `receive` is settled. */
  readonly concurrency: number
  /**
   * Takes the delivery id of a hint, whatever the transport found in its place, and resolves with one word for what became of it, once the
   * hint is used up. Rejects where it is no id, or where storage cannot be asked: the hint may then be dropped too.
   */
  readonly receive: (deliveryId: unknown) => Promise<string>
}

/** The sending side of a transport. */
export interface HintPublisher {
  /** Hands hints on. May reject, or hang, while the other side is away: the sweeper then delivers what it finds itself. */
  publish(hints: readonly Hint[]): Promise<void>
  /** Whether somebody told the transport to hold everything back; the sweeper then rests too. */
  isPaused(): Promise<boolean>
  /** Gives up the connection, within a few seconds. Never rejects. */
  close(): Promise<void>
}

/** The receiving side of a transport. */
export interface HintSubscription {
  /** Takes no further hints; those handed over go on. */
  end(): void
  /** Gives up the connection, within a few seconds. Never rejects. */
  close(): Promise<void>
}

/**
 * Carries hints between the processes that share a storage, so that each delivery is begun by one of them without asking storage all the
 * time. It may lose, repeat and reorder hints, and be away: a sweeper finds what no hint told of, and publishes it again. See `bullmqTransport` of
 * `posthorn/bullmq`.
 */
export interface Transport {
  /** For messages: `bullmq`. */
  readonly name: string
  /** Opens a sending side. Does not wait for a connection, and throws for wrong settings only. */
  connect(listener: TransportListener): HintPublisher
  /** Opens a receiving side. Does not wait for a connection, and throws for wrong settings only. */
  subscribe(subscriber: HintSubscriber): HintSubscription
}
