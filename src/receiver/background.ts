/** What goes on after requests were answered. Nothing that is added may reject. */
export class Background {
  readonly #running = new Set<Promise<void>>()

  add(work: Promise<void>): void {
    this.#running.add(work)
    void work.finally(() => this.#running.delete(work))
  }

  /** Resolves when nothing is left. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
