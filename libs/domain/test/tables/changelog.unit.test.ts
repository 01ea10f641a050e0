import { describe, expect, it } from '@jest/globals'
import { entryOf, findProjection, isFed, processes, processState, tables } from '@millrace/domain'
import type { DomainEvent } from '@millrace/events'
import { heartbeat, recorded } from '@millrace/testkit'

const AT = Date.UTC(2026, 0, 2)

describe.each(tables)('the changelog of $name', ({ changelog, topic }) => {
  it('is a projection of its topic, which projectors feed key by key', () => {
    const projection = findProjection(changelog)
    expect(projection).toMatchObject({ sources: [topic], kind: 'per-aggregate' })
    expect(projection && isFed(projection)).toBe(true)
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
