import { catalog } from './catalog/index.ts'
import { type AnyContext, streamOf } from './context.ts'
import { idField } from './fields.ts'
import { orders } from './orders/index.ts'
import type { AnyProjection } from './projections/projection.ts'

export const contexts: readonly AnyContext[] = [orders, catalog]

/** Read models that change with the commits. Those of a store with commits have to be built first (ADR 0010). */
export const inlineProjections: readonly AnyProjection[] = [
  ...new Set(contexts.flatMap(({ inline }) => inline.map(({ projection }) => projection))),
]

/** By first URL segment: `orders`, `products`. */
export const findContextByPath = (path: string): AnyContext | null =>
  contexts.find((context) => context.path === path) ?? null

export type AggregateRef = { readonly context: AnyContext; readonly id: string }

/** The inverse of `streamOf`; null when no context owns such a stream. */
export const parseStream = (stream: string): AggregateRef | null => {
  const context = contexts.find((candidate) => stream.startsWith(streamOf(candidate, '')))
  if (context === undefined) return null
  const id = idField.safeParse(stream.slice(streamOf(context, '').length))
  return id.success ? { context, id: id.data } : null
}
