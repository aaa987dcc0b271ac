/** What is used of the module `bullmq`, the same in its majors 5 and 6. */
export interface BullMq {
  /** Its `Queue`. */
  readonly Queue: new (name: string, options: BullMqOptions) => BullMqQueue
  /** Its `Worker`. */
  readonly Worker: new (
    name: string,
    take: (job: BullMqJob) => Promise<string>,
    options: BullMqOptions & {
      /** The most jobs at once. */
      readonly concurrency: number
    },
  ) => BullMqWorker
}

/** What queues and workers are made of. */
export interface BullMqOptions {
  /** Where Redis is. */
  readonly connection: object
  /** What the keys begin with. */
  readonly prefix: string
}

/** What is used of a job. */
export interface BullMqJob {
  /** Whatever was put into the queue. */
  readonly data: unknown
}

/** How many finished jobs stay. */
export interface BullMqKept {
  /** The latest so many. */
  count: number
}

/** A job to add. */
export interface BullMqNewJob {
  /** Its name in dashboards. */
  readonly name: string
  /** What it carries. */
  readonly data: object
  /** How it is run. */
  readonly opts: {
    /** Two jobs with one id are one. */
    readonly jobId: string
    /** How many completed ones stay. */
    readonly removeOnComplete: BullMqKept
    /** How many failed ones stay. */
    readonly removeOnFail: BullMqKept
    /** When it is due, in milliseconds. */
    readonly delay?: number
  }
}

/** What is used of a backend of BullMQ 6. */
export interface BullMqBackend {
  /** The client, once it is connected. */
  readonly client: Promise<object>
}

/** What is used of a queue and of a worker. */
export interface BullMqConnected {
  /** Tells of errors, which end the process where nobody listens. */
  on(event: 'error', listener: (error: Error) => void): unknown
  /** The client of BullMQ 5. */
  readonly client?: Promise<object>
  /** What holds the client of BullMQ 6. */
  getBackend?(): BullMqBackend
}

/** What is used of a queue. */
export interface BullMqQueue extends BullMqConnected {
  /** Adds jobs. */
  addBulk(jobs: BullMqNewJob[]): Promise<unknown>
  /** Whether it was paused, for all its workers. */
  isPaused(): Promise<boolean>
  /** Gives up the connection. */
  close(): Promise<unknown>
}

/** What is used of a worker. */
export interface BullMqWorker extends BullMqConnected {
  /** Takes no further jobs; with true it does not wait for those under way. */
  pause(doNotWaitActive?: boolean): Promise<unknown>
  /** Gives up the connections; with true it waits for nothing. */
  close(force?: boolean): Promise<unknown>
}

/** The Redis client of a queue or worker, once it is connected: ioredis, or what BullMQ 6 makes of another. */
export async function clientOf(connected: BullMqConnected): Promise<object> {
  const client = connected.client ?? connected.getBackend?.().client
  if (client === undefined) throw new Error('this BullMQ has neither client nor getBackend')
  return await client
}
