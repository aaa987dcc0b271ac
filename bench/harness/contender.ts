import { serverCpu, serverCpuSince } from './server-cpu.ts'
import { statementCount } from './statement-count.ts'
import { serve } from './serve.ts'

/** What a contender is told before its first round. */
export interface ContenderOptions {
  /** Where to deliver to. */
  readonly url: string
  /** Variant of the contender: storage, HTTP client and the like. */
  readonly variant: string
}

/** One way to deliver, in a process of its own. */
export interface Contender {
  /** Gets ready for a round, which is not measured. */
  begin?(): Promise<void>
  /** Takes in and delivers this many events, and resolves once the last one is delivered and recorded. */
  run(count: number): Promise<void>
  /** Leaves nothing running that would disturb the others' rounds. */
  end?(): Promise<void>
  /** Removes what it made. */
  close(): Promise<void>
}

/** What one round of one contender cost. */
export interface RoundFigures {
  /** Deliveries in a second. */
  readonly rate: number
  /** Of the sending process, user and system. */
  readonly cpuSecondsPerThousand: number
  /** Of the database servers, where there is one and it is on this machine. */
  readonly serverCpuSecondsPerThousand: number
  /** Round trips to the database for one delivery. */
  readonly statements: number
}

/** Makes this process a contender's. */
export function serveContender(create: (options: ContenderOptions) => Promise<Contender>): void {
  let contender: Contender | undefined
  const methods = {
    create: async (options: ContenderOptions) => {
      contender = await create(options)
    },
    round: async (count: number): Promise<RoundFigures> => {
      if (contender === undefined) throw new Error('A round comes after create.')
      await contender.begin?.()
      const statementsBefore = statementCount()
      const serverBefore = serverCpu()
      const cpuBefore = process.cpuUsage()
      const started = performance.now()
      await contender.run(count)
      const seconds = (performance.now() - started) / 1000
      const { user, system } = process.cpuUsage(cpuBefore)
      const statements = statementCount() - statementsBefore
      const serverSeconds = serverCpuSince(serverBefore)
      await contender.end?.()
      return {
        rate: count / seconds,
        cpuSecondsPerThousand: (user + system) / 1e6 / (count / 1000),
        serverCpuSecondsPerThousand: serverSeconds / (count / 1000),
        statements: statements / count,
      }
    },
  }
  serve(methods, async () => await contender?.close())
}
