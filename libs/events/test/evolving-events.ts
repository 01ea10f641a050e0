import type { AvroField, AvroRecord, AvroType } from '../src/avro-schema.ts'
import { makeEventCatalogue, type EventCatalogue, type EventDefinitions } from '../src/event-catalogue.ts'

/** An event that has changed three times; `deployments` are the catalogues of the four programs that wrote it. */
export const parcelTopic = 'orders.order.events'

const field = (name: string, type: AvroType, value?: unknown): AvroField => ({
  name,
  type,
  doc: name,
  ...(value === undefined ? {} : { default: value }),
})

export const recordOf = (name: string, fields: readonly AvroField[]): AvroRecord => ({
  type: 'record',
  name,
  namespace: 'millrace.orders',
  doc: name,
  fields,
})

const note = field('note', 'string', 'none')
const sentFirst = recordOf('ParcelSent', [field('name', 'string'), field('weightKg', 'double')])
export const sent = recordOf('ParcelSent', [...sentFirst.fields, note])
export const sentV2 = recordOf('ParcelSentV2', [field('to', 'string'), field('weightGrams', 'long'), note])
const address = recordOf('Address', [field('name', 'string'), field('country', 'string', 'DE')])
export const sentV3 = recordOf('ParcelSentV3', [field('to', address), field('weightGrams', 'long'), note])

type Sent = { name: string; weightKg: number; note: string }
export type SentV2 = { to: string; weightGrams: number; note: string }

export const toV2 = ({ name, weightKg, note: text }: Sent): SentV2 => ({
  to: name,
  weightGrams: Math.round(weightKg * 1000),
  note: text,
})
// Leaves the country to its default.
export const toV3 = ({ to, ...data }: SentV2) => ({ ...data, to: { name: to } })

const definitions = (
  schemas: readonly AvroRecord[],
  written: string,
  upcasters: EventDefinitions['upcasters'] = {},
): EventDefinitions => ({
  schemas: new Map(schemas.map((schema) => [schema.name, schema])),
  recordTypes: { [parcelTopic]: [written] },
  upcasters,
})

export const newestDefinitions = definitions([sent, sentV2, sentV3], 'ParcelSentV3', {
  ParcelSent: { to: 'ParcelSentV2', upcast: toV2 },
  ParcelSentV2: { to: 'ParcelSentV3', upcast: toV3 },
})

/** In the order of their release: first form, compatible change, first and second new record. */
export const deployments: readonly EventCatalogue[] = [
  definitions([sentFirst], 'ParcelSent'),
  definitions([sent], 'ParcelSent'),
  definitions([sent, sentV2], 'ParcelSentV2', { ParcelSent: { to: 'ParcelSentV2', upcast: toV2 } }),
  newestDefinitions,
].map(makeEventCatalogue)

/** The newest catalogue with another first upcaster. */
export const withUpcaster = (upcast: (data: Sent) => unknown): EventCatalogue =>
  makeEventCatalogue({
    ...newestDefinitions,
    upcasters: { ...newestDefinitions.upcasters, ParcelSent: { to: 'ParcelSentV2', upcast } },
  })
