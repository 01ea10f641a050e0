import type { KafkaRecord, LaneOutcome, LaneSession, LaneSource, TopicPartition } from '../src/lane-source.ts'

type Apply = (records: readonly KafkaRecord[], at: TopicPartition) => Promise<LaneOutcome> | LaneOutcome

export const doneWith = (records: readonly KafkaRecord[]): LaneOutcome => ({
  type: 'applied',
  nextOffset: (records.at(-1)?.offset ?? -1n) + 1n,
})

/**
 * A source with a checkpoint per partition that outlives its sessions, as MongoDB's does. It notes every record that
 * it applied, in order, and every call; `apply` decides the outcome, all applied unless told otherwise.
 */
export class RecordingSource implements LaneSource {
  readonly checkpoints = new Map<string, bigint>()
  readonly applied = new Map<string, bigint[]>()
  readonly calls: { readonly at: string; readonly offsets: bigint[] }[] = []
  readonly opened: string[] = []
  readonly closed: string[] = []
  apply: Apply = doneWith
  beforeOpen: (at: TopicPartition) => Promise<void> = () => Promise.resolve()

  static keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

  async open(at: TopicPartition): Promise<LaneSession> {
    await this.beforeOpen(at)
    const key = RecordingSource.keyOf(at)
    this.opened.push(key)
    return {
      nextOffset: this.checkpoints.get(key) ?? 0n,
      apply: (records) => this.#apply(records, at),
      close: () => Promise.resolve(void this.closed.push(key)),
    }
  }

  offsets(partition: number): bigint[] {
    return [...this.applied].flatMap(([key, offsets]) => (key.endsWith(`/${partition}`) ? offsets : []))
  }

  total(): number {
    return [...this.applied.values()].reduce((sum, { length }) => sum + length, 0)
  }

  async #apply(records: readonly KafkaRecord[], at: TopicPartition): Promise<LaneOutcome> {
    const key = RecordingSource.keyOf(at)
    this.calls.push({ at: key, offsets: records.map(({ offset }) => offset) })
    const outcome = await this.apply(records, at)
    if (outcome.type !== 'applied') return outcome
    const done = records.filter(({ offset }) => offset < outcome.nextOffset).map(({ offset }) => offset)
    this.applied.set(key, [...(this.applied.get(key) ?? []), ...done])
    this.checkpoints.set(key, outcome.nextOffset)
    return outcome
  }
}
