import type { StoredDataByType, StoredType } from './generated/event-types.ts'

/**
 * Former types: records that are no longer written and stay in the store and in Kafka for ever. Each has the record
 * that took its place and a pure function from its data to the data of that one; decoding follows the chain to its
 * end, so nobody above this library meets a former type. An entry is never removed. Steps: docs/evolution.md.
 *
 *   OrderPaid: { to: 'OrderPaidV2', upcast: ({ method, ...data }) => ({ ...data, method: { name: method } }) },
 */
export const upcasters = {} as const satisfies Upcasters

/** The function of each entry is held to the data of its two types. */
export type Upcasters = { readonly [Former in StoredType]?: UpcasterOf<Former> }

type UpcasterOf<Former extends StoredType> = {
  readonly [Next in StoredType]: {
    readonly to: Next
    readonly upcast: (data: StoredDataByType[Former]) => StoredDataByType[Next]
  }
}[StoredType]
