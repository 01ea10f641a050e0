import { parseHeaders, parseMessageKey } from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'

export type Published = {
  readonly partition: number
  readonly sequence: number
  readonly id: string
  readonly key: string
  readonly version: number
}

export const publishedOf = (record: KafkaRecord): Published => {
  const { id, sequence, version } = parseHeaders(record.headers)
  const { key } = parseMessageKey(record.key)
  return { partition: record.partition, sequence: sequence ?? Number.NaN, id, key, version }
}

export type LogReport = {
  /** Each event once, where it came first. */
  readonly firsts: readonly Published[]
  readonly repeats: number
  /** What a consumer that drops repeats by their sequence would stumble over. */
  readonly faults: readonly string[]
}

/** Reads the log as a consumer does: per partition a sequence is the next one or a repeat of what it was before. */
export const readLog = (records: readonly KafkaRecord[]): LogReport => {
  const firsts: Published[] = []
  const faults: string[] = []
  const idBySequence = new Map<string, string>()
  const lastSequence = new Map<number, number>()
  const lastVersion = new Map<string, number>()
  for (const record of records.map(publishedOf)) {
    const { partition, sequence, id, key, version } = record
    const place = `${partition}/${sequence}`
    const known = idBySequence.get(place)
    if (known !== undefined) {
      if (known !== id) faults.push(`${place} is ${known} and ${id}`)
      continue
    }
    if (sequence !== (lastSequence.get(partition) ?? 0) + 1) faults.push(`${place} is out of turn`)
    if (version !== (lastVersion.get(key) ?? 0) + 1) faults.push(`${key} has version ${version} out of turn`)
    idBySequence.set(place, id)
    lastSequence.set(partition, sequence)
    lastVersion.set(key, version)
    firsts.push(record)
  }
  return { firsts, repeats: records.length - firsts.length, faults }
}
