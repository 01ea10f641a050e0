import { describe, expect, it } from '@jest/globals'
import type { DocumentChanged, DomainEvent, ProcessState } from '@millrace/events'
import { changesRise, snapshotsRise, statesRise, type LogEntry, type OrderRule } from './order-rules.ts'

const KEY = 'demo/m-1:node:1'

const entry = (event: DomainEvent | null, headers: Readonly<Record<string, string>>): LogEntry => ({
  key: KEY,
  event,
  record: {
    ...{ topic: 'any', partition: 0, offset: 0n, timestamp: 0, key: Buffer.from(KEY), value: null },
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  },
})

const faultsOf = (rule: OrderRule, entries: readonly LogEntry[]): string[] => entries.flatMap(rule)

describe('the states of a process', () => {
  const state = (number: number, version: number, data: Partial<ProcessState> = {}): LogEntry =>
    entry(
      {
        type: 'ProcessState',
        data: {
          ...{ host: 'm-1', name: 'node', pid: 1, startedAt: 7, status: 'alive', lastSeenAt: 0 },
          ...{ beat: 1, cpu: 0, rss: 0, ...data },
        },
      },
      { outbox_number: String(number), ce_version: String(version) },
    )
  const rule = (): OrderRule => statesRise((startedAt) => startedAt % 10)
  const tombstone = (number: number): LogEntry => entry(null, { outbox_number: String(number) })

  it('may rise, repeat, end, and begin with another start', () => {
    const entries = [
      state(1, 1, { beat: 1 }),
      state(2, 2, { beat: 2 }),
      state(2, 2, { beat: 2 }),
      tombstone(3),
      state(4, 9, { startedAt: 8, beat: 1 }),
    ]
    expect(faultsOf(rule(), entries)).toEqual([])
  })

  it('go back with a lower number, version or beat, and with a tombstone that comes late', () => {
    const before = state(5, 5, { beat: 5 })
    expect(faultsOf(rule(), [before, state(4, 5, { beat: 5 })])).toHaveLength(1)
    expect(faultsOf(rule(), [before, state(5, 4, { beat: 5 })])).toHaveLength(1)
    expect(faultsOf(rule(), [before, state(5, 5, { beat: 4 })])).toHaveLength(1)
    expect(faultsOf(rule(), [before, tombstone(4)])).toHaveLength(1)
  })

  it('go back with a lower beat by another clock too', () => {
    expect(
      faultsOf(rule(), [state(1, 1, { beat: 5 }), state(2, 2, { startedAt: 17, beat: 4 })]),
    ).toHaveLength(1)
  })
})

describe('the snapshots of a process', () => {
  const snapshot = (_v: number): LogEntry => {
    const doc = { host: 'm-1', name: 'node', pid: 1, startedAt: 7, status: 'alive' as const, lastSeenAt: 0 }
    const data = { _key: 'm-1:node:1', doc: { ...doc, beat: 1, cpu: 0, rss: 0 }, _ts: 0, _v }
    return entry({ type: 'ProcessStateSnapshot', data }, {})
  }

  it('may repeat, and go back with a lower offset', () => {
    expect(faultsOf(snapshotsRise(), [snapshot(1), snapshot(3), snapshot(3)])).toEqual([])
    expect(faultsOf(snapshotsRise(), [snapshot(3), snapshot(2)])).toHaveLength(1)
  })
})

describe('the changes of a document', () => {
  const change = (id: string, data: Partial<DocumentChanged> = {}): LogEntry =>
    entry(
      {
        type: 'DocumentChanged',
        data: {
          ...{ source: 'processes', key: 'm-1:node:1', operation: 'updated', origin: 'change', changedAt: 0 },
          ...{ before: null, after: null, ...data },
        },
      },
      { ce_id: id },
    )
  const first = change('1', { after: 'a' })
  const second = change('2', { before: 'a', after: 'b' })

  it('may rise, each from where the one before has ended, and come again as they were', () => {
    expect(faultsOf(changesRise(), [first, second, first, second])).toEqual([])
  })

  it('may begin anywhere when they were found by comparing', () => {
    const found = change('3', { origin: 'reconciliation', after: 'd' })
    expect(faultsOf(changesRise(), [first, found])).toEqual([])
  })

  it('go back with a lower id that was not there before', () => {
    expect(faultsOf(changesRise(), [second, change('1', { after: 'a' })])).toHaveLength(2)
  })

  it('are others when an id comes again with another content', () => {
    expect(faultsOf(changesRise(), [first, change('1', { after: 'x' })])).toHaveLength(1)
  })

  it('have a hole where one begins with what nobody has told', () => {
    expect(faultsOf(changesRise(), [first, change('3', { before: 'b', after: 'c' })])).toHaveLength(1)
  })
})
