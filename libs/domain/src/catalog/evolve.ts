import type { Occurred } from '../decider.ts'
import { impossible } from '../impossible-event.ts'
import type { ProductEvent } from './events.ts'
import type { ProductState } from './state.ts'

export const evolveProduct = (state: ProductState, event: Occurred<ProductEvent>): ProductState => {
  switch (event.type) {
    case 'ProductAdded':
      if (state.status !== 'absent') return impossible(event, state.status)
      return { status: 'listed', price: event.data.price }
    case 'ProductRepriced':
      if (state.status !== 'listed') return impossible(event, state.status)
      return { ...state, price: event.data.price }
    case 'ProductRetired':
      if (state.status !== 'listed') return impossible(event, state.status)
      return { status: 'retired' }
  }
}
