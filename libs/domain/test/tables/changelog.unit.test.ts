import { describe, expect, it } from '@jest/globals'
import { entryOf, processes, processState } from '@millrace/domain'
import type { DomainEvent } from '@millrace/events'
import { heartbeat, recorded } from '@millrace/testkit'
import { checkedTable } from '../../src/tables/check-table.ts'

const AT = Date.UTC(2026, 0, 2)

describe('a table', () => {
  it.each([
    [{ changelog: 'process' }, 'its changelog "process" is no projection of process.state by key'],
    [
      { changelog: 'order-summary' },
      'its changelog "order-summary" is no projection of process.state by key',
    ],
    [{ source: 'orders.order.events' }, 'orders.order.events needs timestampType LogAppendTime'],
    [{ topic: 'processes.changed' }, 'processes.changed is not compacted'],
    [{ snapshots: 'heartbeat.received' }, 'heartbeat.received is not compacted'],
  ] as const)('with %j is refused before anything begins', (wrong, reason) => {
    expect(() => checkedTable({ ...processState, ...wrong })).toThrow(reason)
  })

  it('that is shipped is not', () => {
    expect(checkedTable(processState)).toBe(processState)
  })
})

describe('a document of a changelog', () => {
  it('is taken apart into what was published, its key, by when it was so and by which record', () => {
    const state = processState.evolve(null, recorded(heartbeat()), AT)
    const event = processState.publish(state) as DomainEvent<'ProcessState'>
    const identity = { key: 'm-1:node:4711', occurredAt: AT, version: 17 }
    const document = processes.evolve(null, recorded(event, identity), { key: identity.key })
    expect(document && entryOf(document)).toEqual({
      ...{ key: identity.key, changedAt: AT, version: 17 },
      state: event.data,
    })
  })
})
