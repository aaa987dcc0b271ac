import type { Ledger } from './ledger.ts'
import { SenderProcess, SenderProgram } from './sender-process.ts'
import type { SenderSettings, SenderTask } from './sender-task.ts'

let program: Promise<SenderProgram> | undefined

/** The senders of one run. One is always loaded in advance, so that whoever is killed is replaced at once. */
export class Senders {
  readonly #program: SenderProgram
  readonly #settings: SenderSettings
  readonly #ledger: Ledger
  readonly #all = new Set<SenderProcess>()
  #spare: SenderProcess
  #lost = 0

  private constructor(started: SenderProgram, settings: SenderSettings, ledger: Ledger) {
    this.#program = started
    this.#settings = settings
    this.#ledger = ledger
    this.#spare = this.#start()
  }

  static async create(settings: SenderSettings, ledger: Ledger): Promise<Senders> {
    program ??= SenderProgram.create()
    return new Senders(await program, settings, ledger)
  }

  /** How many deliveries their senders found to be in other hands. */
  get lost(): number {
    return [...this.#all].reduce((sum, sender) => sum + sender.lost, this.#lost)
  }

  /** Has a sender begin with these events. */
  async begin(task: Pick<SenderTask, 'name' | 'numbers'> & Partial<SenderTask>): Promise<SenderProcess> {
    const sender = this.#spare
    this.#spare = this.#start()
    await sender.begin({ ...this.#settings, isLast: false, ...task })
    return sender
  }

  /** Ends all that are left, at once. */
  async killAll(): Promise<void> {
    await Promise.all([...this.#all].map(async (sender) => await sender.kill()))
  }

  #start(): SenderProcess {
    const sender = new SenderProcess(this.#program, (n, id) => this.#ledger.accept(n, id))
    this.#all.add(sender)
    void sender.ended.then(() => {
      this.#lost += sender.lost
      this.#all.delete(sender)
    })
    return sender
  }
}
