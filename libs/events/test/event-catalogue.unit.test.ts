import { describe, expect, it } from '@jest/globals'
import {
  eventTypes,
  makeEventCatalogue,
  shippedEvents,
  storedTypesOf,
  type EventDefinitions,
} from '@millrace/events'
import { storedTypes } from '../src/generated/event-types.ts'
import { newestDefinitions, parcelTopic, recordOf, toV2 } from './evolving-events.ts'

const evolved = makeEventCatalogue(newestDefinitions)

const refusalOf = (changes: Partial<EventDefinitions>): string => {
  try {
    makeEventCatalogue({ ...newestDefinitions, ...changes })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return 'accepted'
}

const upcastersTo = (to: string): Pick<EventDefinitions, 'upcasters'> => ({
  upcasters: { ...newestDefinitions.upcasters, ParcelSentV2: { to, upcast: toV2 } },
})

describe('an event catalogue', () => {
  it('knows the newest form of every stored type', () => {
    const newestOf = (type: string) => evolved.get(type)?.newestType
    expect(['ParcelSent', 'ParcelSentV2', 'ParcelSentV3', 'ParcelEaten'].map(newestOf)).toEqual([
      'ParcelSentV3',
      'ParcelSentV3',
      'ParcelSentV3',
      undefined,
    ])
  })

  it('knows every type under which events of a type are stored', () => {
    expect(storedTypesOf('ParcelSentV3', evolved)).toEqual(['ParcelSent', 'ParcelSentV2', 'ParcelSentV3'])
    expect(storedTypesOf('ParcelSent', evolved)).toEqual([])
  })

  it('reads former types from the topic of their newest form', () => {
    expect(evolved.get('ParcelSent')?.topics).toEqual([parcelTopic])
  })

  it.each<[string, Partial<EventDefinitions>, string]>([
    ['circles', upcastersTo('ParcelSent'), 'ParcelSent → ParcelSentV2 → ParcelSent: upcasters must not go'],
    ['a type that becomes itself', upcastersTo('ParcelSentV2'), 'ParcelSentV2 → ParcelSentV2'],
    ['a target without a schema', upcastersTo('ParcelEaten'), 'ParcelEaten has no .avsc file'],
    ['a type that is neither written nor former', { upcasters: {} }, 'ParcelSent is on no topic'],
    ['a target that is on no topic', { recordTypes: {} }, 'becomes ParcelSentV3, which is on no topic'],
    [
      'a former type without a schema',
      { upcasters: { ...newestDefinitions.upcasters, ParcelEaten: { to: 'ParcelSent', upcast: toV2 } } },
      'ParcelEaten has no .avsc file',
    ],
    [
      'a written type without a schema',
      { recordTypes: { [parcelTopic]: ['ParcelSentV3', 'ParcelEaten'] } },
      'ParcelEaten has no .avsc file',
    ],
    [
      'a former type that is still written',
      { recordTypes: { [parcelTopic]: ['ParcelSentV3', 'ParcelSent'] } },
      `ParcelSent has an upcaster: take it off ${parcelTopic}`,
    ],
    [
      'a target of another context',
      {
        schemas: new Map([
          ...newestDefinitions.schemas,
          ['ParcelSentV3', { ...recordOf('ParcelSentV3', []), namespace: 'millrace.catalog' }],
        ]),
      },
      'becomes ParcelSentV3, which belongs to another context',
    ],
  ])('refuses %s', (_name, changes, message) => {
    expect(refusalOf(changes)).toContain(message)
  })
})

describe('the shipped catalogue', () => {
  it('reads every stored type', () => {
    expect([...shippedEvents().keys()].toSorted()).toEqual([...storedTypes])
  })

  it('agrees with the types that domain code handles', () => {
    const newest = [...shippedEvents().values()].filter(({ type, newestType }) => type === newestType)
    expect(newest.map(({ type }) => type).toSorted()).toEqual([...eventTypes])
    for (const type of eventTypes) expect(storedTypesOf(type)).toContain(type)
  })
})
