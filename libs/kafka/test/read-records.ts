import type { KafkaRecord } from '../src/lane-source.ts'
import { consume, uniqueName } from './kafka-fixture.ts'
import { RecordingSource, doneWith } from './recording-source.ts'
import { until } from './until.ts'

/** The first records of a topic, by a consumer that `stopAll` stops. */
export const readRecords = async (topic: string, count: number): Promise<KafkaRecord[]> => {
  const seen: KafkaRecord[] = []
  const source = new RecordingSource()
  source.apply = (records) => {
    seen.push(...records)
    return doneWith(records)
  }
  await consume({ topic, source, groupId: uniqueName('group') })
  await until('all are read', () => seen.length >= count)
  return seen
}
