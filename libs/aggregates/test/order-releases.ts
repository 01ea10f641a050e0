import { randomUUID } from 'node:crypto'
import {
  makeEventCatalogue,
  shippedDefinitions,
  type DomainEvent,
  type EventCatalogue,
  type EventDefinitions,
  type StoredForm,
} from '@millrace/events'

/**
 * A past for OrderPlaced, so that the shipped deciders and projections meet events older than they are:
 *
 *   release 0   OrderBooked              the first form
 *   release 1   OrderBooked              with a currency, EUR by default: a compatible change
 *   release 2   OrderTaken               `client` is called `customerId`: a new record
 *   release 3   OrderPlaced, as shipped  amounts are cents and no longer text: another new record
 */
export type Release = { readonly catalogue: EventCatalogue; readonly placed: DomainEvent }

export const topic = 'orders.order.events'

// The registry is shared and keeps every version for ever: each run has records of its own.
const run = randomUUID().slice(0, 8)
const bookedType = `OrderBooked${run}`
const takenType = `OrderTaken${run}`

type Schema = StoredForm['schema']
type Field = Schema['fields'][number]

const recordOf = (name: string, fields: readonly Omit<Field, 'doc'>[]): Schema => ({
  type: 'record',
  name,
  namespace: 'millrace.orders',
  doc: name,
  fields: fields.map((field) => ({ ...field, doc: field.name })),
})

const line = recordOf('PricedLine', [
  { name: 'productId', type: 'string' },
  { name: 'quantity', type: 'long' },
  { name: 'price', type: 'string' },
])
const lines = { name: 'lines', type: { type: 'array', items: line } } as const
const client = { name: 'client', type: 'string' }
const booked = recordOf(bookedType, [client, lines])
const bookedInEuro = recordOf(bookedType, [
  client,
  lines,
  { name: 'currency', type: 'string', default: 'EUR' },
])
const taken = recordOf(takenType, [
  { name: 'customerId', type: 'string' },
  lines,
  { name: 'currency', type: 'string' },
])

type Priced = { readonly lines: readonly { productId: string; quantity: number; price: string }[] }

const toTaken = ({ client: customerId, ...data }: Priced & { client: string }) => ({ ...data, customerId })

const toPlaced = ({ lines: priced, ...data }: Priced) => ({
  ...data,
  lines: priced.map(({ price, ...rest }) => ({ ...rest, amount: Math.round(Number(price) * 100) })),
})

const shipped = shippedDefinitions()

const catalogueOf = (
  past: readonly Schema[],
  written: readonly string[],
  upcasters: EventDefinitions['upcasters'],
): EventCatalogue =>
  makeEventCatalogue({
    schemas: new Map([...shipped.schemas, ...past.map((schema) => [schema.name, schema] as const)]),
    recordTypes: { ...shipped.recordTypes, [topic]: [...(shipped.recordTypes[topic] ?? []), ...written] },
    upcasters: { ...shipped.upcasters, ...upcasters },
  })

const eventOf = (type: string, data: object) => ({ type, data }) as unknown as DomainEvent
const priced = [
  { productId: 'p-1', quantity: 1, price: '19.99' },
  { productId: 'p-2', quantity: 3, price: '45' },
]
const placed: DomainEvent = {
  type: 'OrderPlaced',
  data: {
    customerId: 'c-1',
    currency: 'EUR',
    lines: [
      { productId: 'p-1', quantity: 1, amount: 1999 },
      { productId: 'p-2', quantity: 3, amount: 4500 },
    ],
  },
}

/** Each with the same order placed, as that release writes it. */
export const releases: readonly Release[] = [
  {
    catalogue: catalogueOf([booked], [bookedType], {}),
    placed: eventOf(bookedType, { client: 'c-1', lines: priced }),
  },
  {
    catalogue: catalogueOf([bookedInEuro], [bookedType], {}),
    placed: eventOf(bookedType, { client: 'c-1', lines: priced, currency: 'EUR' }),
  },
  {
    catalogue: catalogueOf([bookedInEuro, taken], [takenType], {
      [bookedType]: { to: takenType, upcast: toTaken },
    }),
    placed: eventOf(takenType, { customerId: 'c-1', lines: priced, currency: 'EUR' }),
  },
  {
    catalogue: catalogueOf([bookedInEuro, taken], [], {
      [bookedType]: { to: takenType, upcast: toTaken },
      [takenType]: { to: 'OrderPlaced', upcast: toPlaced },
    }),
    placed,
  },
]
