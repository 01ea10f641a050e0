import { topics, type TopicSpec } from '@millrace/events'
import { findProjection } from '../projections/projections.ts'
import type { AnyTable } from './table.ts'

const faultOf = ({ source, topic, snapshots, changelog }: AnyTable): string | undefined => {
  const spec = (name: AnyTable['topic']): TopicSpec => topics[name]
  const projection = findProjection(changelog)
  if (spec(source).timestampType !== 'LogAppendTime')
    return `${source} needs timestampType LogAppendTime: it is its clock`
  for (const name of [topic, snapshots])
    if (spec(name).retention.type !== 'compact') return `${name} is not compacted`
  if (spec(snapshots).partitions !== spec(topic).partitions)
    return `${snapshots} needs as many partitions as ${topic}`
  if (projection?.kind !== 'per-aggregate' || !projection.sources.some((name) => name === topic))
    return `its changelog ${JSON.stringify(changelog)} is no projection of ${topic} by key`
  return undefined
}

/** The table, if its topics and its changelog fit; else throws, before any service has begun. */
export const checkedTable = (table: AnyTable): AnyTable => {
  const fault = faultOf(table)
  if (fault === undefined) return table
  throw new Error(`table ${table.name}: ${fault}`)
}
