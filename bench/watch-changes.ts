import { changesTopic, connectCodec, topicConfigEntries, writerIdsOf, type Codec } from '@millrace/events'
import { connectKafka, ensureTopics, readPartition, type KafkaRecord } from '@millrace/kafka'
import { topicIncarnations, type MongoConnection } from '@millrace/mongo'
import { pause, silentLogger } from '@millrace/runtime'
import type { BenchServers } from './servers.ts'

/** What a change tells of itself, in the document; `lastSeenAt` is when the database made it, by its clock. */
export type Told = { readonly version: number; readonly lastSeenAt: number }

export type ChangeWatch = {
  /** Milliseconds from each change with one of these versions until the broker had its record, once all are there. */
  lagsMs(versions: { readonly from: number; readonly to: number }): Promise<number[]>
}

const LOOK_EVERY_MS = 100
const STUCK_AFTER_MS = 60_000

/** A topic of changes, as `millrace setup` makes it, but that its records have the time at which the broker took them. */
export const createChangesTopic = async (
  servers: BenchServers,
  mongo: MongoConnection,
  name: string,
): Promise<number> => {
  const spec = changesTopic(name)
  const kafka = connectKafka({ brokers: [servers.kafka], clientId: 'bench', logger: silentLogger })
  await topicIncarnations(mongo).beforeCreate(name, spec.partitions)
  const config = topicConfigEntries({ ...spec, timestampType: 'LogAppendTime' })
  await ensureTopics(kafka, [{ name, partitions: spec.partitions, replicationFactor: 1, config }])
  return spec.partitions
}

const toldBy = (codec: Codec, { value }: KafkaRecord): Told => {
  const event = value && codec.decode('processes.changed', value)
  if (event?.type !== 'DocumentChanged' || event.data.after === null)
    throw new Error('not a change of a document')
  return JSON.parse(event.data.after) as Told
}

/** Reads on where it was whenever it is asked. */
export const watchChanges = async (
  servers: BenchServers,
  { topic, partitions }: { readonly topic: string; readonly partitions: number },
): Promise<ChangeWatch> => {
  const kafka = connectKafka({ brokers: [servers.kafka], clientId: 'bench', logger: silentLogger })
  const codec = await connectCodec({ registryUrl: servers.registry, writes: ['processes.changed'] })
  const nextOffsets = Array.from({ length: partitions }, () => 0n)
  const lagByVersion = new Map<number, number>()
  const readOn = async (partition: number): Promise<void> => {
    const from = nextOffsets[partition] ?? 0n
    for await (const chunk of readPartition(kafka, { topic, partition, from })) {
      await codec.ensureWriters(
        writerIdsOf(
          codec,
          chunk.map(({ value }) => value),
        ),
      )
      for (const record of chunk) {
        const { version, lastSeenAt } = toldBy(codec, record)
        lagByVersion.set(version, record.timestamp - lastSeenAt)
        nextOffsets[partition] = record.offset + 1n
      }
    }
  }
  return {
    lagsMs: async ({ from, to }) => {
      const deadline = performance.now() + STUCK_AFTER_MS
      for (;;) {
        for (const partition of nextOffsets.keys()) await readOn(partition)
        const lags = [...lagByVersion].filter(([version]) => version >= from && version < to)
        if (lags.length === to - from) return lags.map(([, lag]) => lag)
        if (performance.now() > deadline) throw new Error(`${lags.length} of ${to - from} changes came`)
        await pause(LOOK_EVERY_MS)
      }
    },
  }
}
