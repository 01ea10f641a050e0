import type { ProductCommand } from '@millrace/domain'

type BodyOf<Type extends ProductCommand['type']> = Extract<ProductCommand, { type: Type }>['body']

export const product = <Type extends ProductCommand['type']>(type: Type, body: BodyOf<Type>) => ({
  type,
  id: 'p-1',
  at: Date.UTC(2026, 5, 1),
  body,
})
