import { type Decision, accept, noOp, reject } from '../decider.ts'
import type { ProductCommand } from './commands.ts'
import type { ProductEvent } from './events.ts'
import type { ProductRejection } from './rejections.ts'
import type { ProductState } from './state.ts'

type Command<Type extends ProductCommand['type']> = Extract<ProductCommand, { type: Type }>
type ProductDecision = Decision<ProductEvent, ProductRejection>

export const decideProduct = (state: ProductState, command: ProductCommand): ProductDecision => {
  switch (command.type) {
    case 'add':
      return add(state, command)
    case 'reprice':
      return reprice(state, command)
    case 'retire':
      return retire(state)
  }
}

const add = (state: ProductState, { body }: Command<'add'>): ProductDecision => {
  switch (state.status) {
    case 'absent':
      return accept({ type: 'ProductAdded', data: body })
    case 'listed':
      return reject('product-already-added')
    case 'retired':
      return reject('product-retired')
  }
}

const reprice = (state: ProductState, { body }: Command<'reprice'>): ProductDecision => {
  switch (state.status) {
    case 'listed': {
      const { price } = body
      const isSame = price.amount === state.price.amount && price.currency === state.price.currency
      return isSame ? noOp : accept({ type: 'ProductRepriced', data: { price } })
    }
    case 'absent':
      return reject('product-not-found')
    case 'retired':
      return reject('product-retired')
  }
}

const retire = (state: ProductState): ProductDecision => {
  switch (state.status) {
    case 'listed':
      return accept({ type: 'ProductRetired', data: {} })
    case 'retired':
      return noOp
    case 'absent':
      return reject('product-not-found')
  }
}
