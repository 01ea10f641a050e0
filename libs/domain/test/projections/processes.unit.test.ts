import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { processes, processState } from '@millrace/domain'
import type { DomainEvent } from '@millrace/events'
import { givenEvents, heartbeat, recorded, recordedStream } from '@millrace/testkit'

const key = 'm-1:node:4711'
const T0 = Date.UTC(2026, 0, 2)

const stateOf = (beat: number, silentMs = 0) => {
  const state = processState.evolve(null, recorded(heartbeat({ beat })), T0)
  const after = processState.at(state, T0 + silentMs)
  if (!after) throw new Error('forgotten')
  return processState.publish(after) as DomainEvent<'ProcessState'>
}

const AT = Date.UTC(2026, 0, 3)

const documentOf = (event: DomainEvent<'ProcessState'>, version: number) => ({
  ...{ key, ...event.data },
  ...{ changedAt: AT, version },
})

const published = (...events: DomainEvent<'ProcessState'>[]) =>
  recordedStream(events, { key, occurredAt: AT, version: 7 })

describe('processes', () => {
  it('are what their table says last', () => {
    const [first, last] = [stateOf(1), stateOf(2, 20_000)]
    givenEvents(processes, published(first, last)).thenDocument(documentOf(last, 8))
  })

  it('go by the log, whatever times and counters say', () => {
    const [newer, older] = [stateOf(9), stateOf(3)]
    givenEvents(processes, published(newer, older)).thenDocument(documentOf(older, 8))
  })

  it('can be asked for by every status that there is', () => {
    const status = processes.filters['status']
    const known = status && 'values' in status ? status.values : []
    fc.assert(
      fc.property(fc.nat(359_999), (silentMs) => {
        expect(known).toContain(stateOf(1, silentMs).data.status)
      }),
    )
  })
})
