import { AssertionError } from 'node:assert'
import { describe, expect, it } from '@jest/globals'
import { type Document, ImpossibleEventError, type ProjectedEvent, defineProjection } from '@millrace/domain'
import { givenEvents, orderPaid, orderPlaced, recorded, recordedStream } from '@millrace/testkit'

type Types = 'OrderPlaced' | 'OrderPaid'

const projectionOf = <Doc extends Document>(
  evolve: (document: Doc | null, event: ProjectedEvent<Types>) => Doc | null,
) =>
  defineProjection({
    name: 'under-test',
    version: 'v1',
    sources: ['orders.order.events'],
    events: ['OrderPlaced', 'OrderPaid'],
    evolve,
    indexes: [],
    filters: {},
    sorts: {},
  })

const counting = projectionOf<{ count: number }>((document) => ({ count: (document?.count ?? 0) + 1 }))
const threeEvents = recordedStream([orderPlaced(), orderPaid(), orderPaid()])

describe('given events, then a document', () => {
  it('passes when the document is the expected one', () => {
    givenEvents(counting, threeEvents).thenDocument({ count: 3 })
    givenEvents(counting, []).thenDocument(null)
  })

  it('fails when it is another one', () => {
    expect(() => givenEvents(counting, threeEvents).thenDocument({ count: 2 })).toThrow(AssertionError)
    expect(() => givenEvents(counting, threeEvents).thenDocument(null)).toThrow(AssertionError)
    expect(() => givenEvents(counting, []).thenDocument({ count: 0 })).toThrow(AssertionError)
  })

  it('fails when there are more documents than the expected one', () => {
    const events = [recorded(orderPlaced(), { key: 'a' }), recorded(orderPlaced(), { key: 'b', sequence: 1 })]
    expect(() => givenEvents(counting, events).thenDocument({ count: 1 })).toThrow(AssertionError)
    givenEvents(counting, events).thenDocuments({ 'demo/a': { count: 1 }, 'demo/b': { count: 1 } })
  })

  it('takes null for a document that is gone', () => {
    const deleting = projectionOf<{ count: number }>((document) => (document === null ? { count: 1 } : null))
    givenEvents(deleting, threeEvents.slice(0, 2)).thenDocument(null)
  })

  it('fails on events with a gap', () => {
    const events = [recorded(orderPlaced()), recorded(orderPaid(), { sequence: 2 })]
    expect(() => givenEvents(counting, events).thenDocument({ count: 2 })).toThrow('gap')
  })

  it('fails on a fold with a memory of its own', () => {
    let calls = 0
    const remembering = projectionOf<{ count: number }>(() => ({ count: ++calls }))
    expect(() => givenEvents(remembering, threeEvents).thenDocument({ count: 3 })).toThrow('delivered again')
  })

  it('fails on a fold that changes the document it was given', () => {
    const changing = projectionOf<{ count: number }>((document) => {
      const kept = document ?? { count: 0 }
      kept.count += 1
      return kept
    })
    expect(() => givenEvents(changing, threeEvents).thenDocument({ count: 3 })).toThrow(TypeError)
  })

  it.each([
    ['NaN', { value: Number.NaN }],
    ['infinity', { value: Number.POSITIVE_INFINITY }],
    ['minus nothing', { value: -0 }],
  ])('fails on a document with %s, which JSON does not keep', (_, document) => {
    expect(() =>
      givenEvents(
        projectionOf(() => document),
        threeEvents,
      ).thenDocument(document),
    ).toThrow('plain JSON')
  })
})

describe('given events, then a view', () => {
  const ageing = { ...counting, view: (document: Document, nowMs: number) => ({ ...document, nowMs }) }

  it('passes when readers see what is expected at that time', () => {
    givenEvents(ageing, threeEvents).thenView(7, { count: 3, nowMs: 7 })
  })

  it('fails when they see something else', () => {
    expect(() => givenEvents(ageing, threeEvents).thenView(8, { count: 3, nowMs: 7 })).toThrow(AssertionError)
  })

  it('fails on a view that JSON does not keep', () => {
    const view = () => ({ value: -0 })
    expect(() => givenEvents({ ...counting, view }, threeEvents).thenView(0, { value: -0 })).toThrow(
      'plain JSON',
    )
  })
})

describe('given events, then impossible', () => {
  const refusing = projectionOf<{ count: number }>((document, event) => {
    if (event.type === 'OrderPaid') throw new ImpossibleEventError(event.type, 'absent')
    return document ?? { count: 1 }
  })

  it('passes when the last event is refused', () => {
    givenEvents(refusing, recordedStream([orderPlaced(), orderPaid()])).thenImpossible()
  })

  it('fails when the last event is folded', () => {
    expect(() => givenEvents(refusing, recordedStream([orderPlaced()])).thenImpossible()).toThrow(
      AssertionError,
    )
  })

  it('fails when an earlier event is refused already', () => {
    expect(() => givenEvents(refusing, threeEvents).thenImpossible()).toThrow(ImpossibleEventError)
  })

  it('fails on an error that means something else', () => {
    const broken = projectionOf<{ count: number }>(() => {
      throw new RangeError('a bug')
    })
    expect(() => givenEvents(broken, threeEvents.slice(0, 1)).thenImpossible()).toThrow('a bug')
  })
})
