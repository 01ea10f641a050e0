import type { Money } from '@millrace/events'

export type ProductState =
  | { readonly status: 'absent' }
  | { readonly status: 'listed'; readonly price: Money }
  | { readonly status: 'retired' }

export const initialProduct: ProductState = { status: 'absent' }
