import { mongoPublications } from '@millrace/mongo'
import { eventually } from '@millrace/testkit'
import { publishedOf, readLog } from '../../../services/command-api/test/published-log.ts'
import { commitsIn } from './store-faults.ts'
import type { WriteSide } from './write-side.ts'

const PUBLISH_TIMEOUT_MS = 60_000

/** Resolves once nothing waits to be published and every record of the relay is done. */
export const allPublished = async ({ servers }: WriteSide): Promise<void> => {
  const { countPending } = mongoPublications(servers.mongoConnection)
  const records = servers.mongoConnection.db.collection('publications')
  await eventually(
    async () => (await countPending()) + (await records.countDocuments({ state: { $ne: 'done' } })),
    (count) => count === 0,
    { timeoutMs: PUBLISH_TIMEOUT_MS },
  )
}

/** What Kafka lacks of the store, has beyond it or has in another order, once all is published. */
export const logFaults = async (side: WriteSide): Promise<string[]> => {
  await allPublished(side)
  const commits = await commitsIn(side.servers.mongoConnection)
  const stored = new Set(commits.flatMap(({ events }) => events.map(({ id }) => id)))
  const idsInKafka = () =>
    new Set(side.records().flatMap((records) => records.map((one) => publishedOf(one).id)))
  const published = await eventually(idsInKafka, ({ size }) => size >= stored.size, {
    timeoutMs: PUBLISH_TIMEOUT_MS,
  }).catch(idsInKafka)
  return [
    ...side.records().flatMap((records) => readLog(records).faults),
    ...[...stored].filter((id) => !published.has(id)).map((id) => `${id} is not in Kafka`),
    ...[...published].filter((id) => !stored.has(id)).map((id) => `${id} is in Kafka only`),
  ]
}

/** Records that Kafka has more than once. */
export const countRepeats = (side: WriteSide): number =>
  side.records().reduce((sum, records) => sum + readLog(records).repeats, 0)
