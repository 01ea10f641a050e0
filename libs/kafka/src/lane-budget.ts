/**
 * What the lanes of all consumers of a connection may queue together: each gets its share, so that a process which
 * feeds many projections needs no more memory than one that feeds a few.
 */
export class LaneBudget {
  readonly #totalBytes: number
  #lanes = 0

  constructor(totalBytes: number) {
    this.#totalBytes = totalBytes
  }

  enter(): void {
    this.#lanes += 1
  }

  leave(): void {
    this.#lanes -= 1
  }

  /** Of one lane, in bytes. */
  share = (): number => this.#totalBytes / Math.max(1, this.#lanes)
}
