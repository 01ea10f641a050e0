import type { Document, Projection } from '@millrace/domain'
import type { Codec, RecordedEvent } from '@millrace/events'
import type { CommitDocument, MongoConnection } from '@millrace/mongo'

type Documents = Readonly<Record<string, unknown>>

const eventsOf = (codec: Codec, commit: CommitDocument): RecordedEvent[] =>
  commit.events.map((event, index) => ({
    ...codec.decode('orders.order.events', Buffer.from(event.bytes.buffer)),
    id: event.id,
    tenant: commit.tenant,
    stream: commit.stream,
    key: commit.key,
    version: commit.first + index,
    occurredAt: event.occurredAt,
    correlationId: commit.correlationId,
    causationId: commit.causationId,
    actor: commit.actor,
    // A fold must not look at it: it is given by the relay, long after the event.
    sequence: Number.NaN,
  }))

/** What the read model has to be: the fold of the store, without Kafka and without any code of the projector. */
export const expectedDocuments = async <Doc extends Document>(
  projection: Projection<Doc>,
  mongo: MongoConnection,
  codec: Codec,
): Promise<Documents> => {
  const commits = await mongo.db
    .collection<CommitDocument>('commits')
    .find({ first: { $gt: 0 } })
    .sort({ stream: 1, first: 1 })
    .toArray()
  const bytes = commits.flatMap((commit) => commit.events.map((event) => Buffer.from(event.bytes.buffer)))
  await codec.ensureWriters(bytes.map((value) => codec.writerIdOf(value)))
  const documents = new Map<string, Doc | null>()
  for (const event of commits.flatMap((commit) => eventsOf(codec, commit))) {
    for (const place of projection.placesOf(event)) {
      const id = `${event.tenant}/${place.key}`
      documents.set(id, projection.evolve(documents.get(id) ?? null, event, place))
    }
  }
  return Object.fromEntries(documents)
}

/** What it is. */
export const storedDocuments = async (
  projection: { name: string; version: string },
  mongo: MongoConnection,
): Promise<Documents> => {
  const found = await mongo.db
    .collection(`readModel.${projection.name}.${projection.version}`)
    .find()
    .toArray()
  return Object.fromEntries(
    found.map(({ _id, _tenant, _partition, _sequence, ...fields }) => [String(_id), fields]),
  )
}
