import { describe, expect, it } from '@jest/globals'
import { eventTypes, isTopicName, subjectOf, topicConfigEntries, topicNames, topics } from '@millrace/events'

const configOf = (name: keyof typeof topics): Record<string, string> =>
  Object.fromEntries(topicConfigEntries(topics[name]).map((entry) => [entry.name, entry.value]))

const anyTimestamp = {
  'message.timestamp.before.max.ms': '9223372036854775807',
  'message.timestamp.after.max.ms': '9223372036854775807',
}
const common = { 'max.message.bytes': '1048576', 'compression.type': 'producer' }

describe('topic catalogue', () => {
  it('carries every event type on exactly one topic', () => {
    // What the engine itself writes may be on the topics of several tables.
    const ofEngine: readonly string[] = ['ClockTicked', 'SnapshotTaken', 'DocumentChanged']
    const carried = Object.values(topics).flatMap((spec): string[] => [...spec.recordTypes])
    const once = carried.filter((type, index) => !ofEngine.includes(type) || carried.indexOf(type) === index)
    expect(once.toSorted()).toEqual(eventTypes.toSorted())
  })

  it('knows its names', () => {
    expect(topicNames).toEqual(Object.keys(topics))
    expect(isTopicName('orders.order.events')).toBe(true)
    expect(isTopicName('toString')).toBe(false)
  })

  it('names subjects by topic and record', () => {
    expect(subjectOf('orders.order.events', 'OrderPlaced')).toBe('orders.order.events-OrderPlaced')
  })
})

describe('topic configuration', () => {
  it('keeps events for ever and takes any timestamp', () => {
    expect(configOf('orders.order.events')).toEqual({
      ...common,
      ...anyTimestamp,
      'cleanup.policy': 'delete',
      'retention.ms': '-1',
      'retention.bytes': '-1',
      'message.timestamp.type': 'CreateTime',
    })
  })

  it('drops telemetry after a week of the log’s own time', () => {
    expect(configOf('heartbeat.received')).toEqual({
      ...common,
      'cleanup.policy': 'delete',
      'retention.ms': '604800000',
      'retention.bytes': '-1',
      'message.timestamp.type': 'LogAppendTime',
    })
  })

  it('compacts states', () => {
    expect(configOf('process.state')).toEqual({
      ...common,
      ...anyTimestamp,
      'cleanup.policy': 'compact',
      'delete.retention.ms': '86400000',
      'message.timestamp.type': 'CreateTime',
    })
  })

  it('lets snapshots be cleaned often', () => {
    expect(configOf('process.state.snapshot')).toEqual({
      ...configOf('process.state'),
      'segment.bytes': '52428800',
    })
  })
})
