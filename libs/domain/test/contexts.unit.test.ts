import { describe, expect, it } from '@jest/globals'
import {
  catalog,
  categoryOf,
  contexts,
  findContextByPath,
  orders,
  parseStream,
  streamOf,
} from '@millrace/domain'

describe('a context', () => {
  it('names its streams after itself and its aggregate', () => {
    expect(streamOf(orders, 'o-17')).toBe('orders.order-o-17')
    expect(categoryOf(catalog)).toBe('catalog.product')
  })

  it('is found by its path', () => {
    expect(findContextByPath('products')?.name).toBe('catalog')
    expect(findContextByPath('catalog')).toBeNull()
  })

  it('is found by one of its streams, whatever the id', () => {
    expect(parseStream('orders.order-o-17')).toEqual({ context: orders, id: 'o-17' })
    expect(parseStream('catalog.product-a.b-orders.order-1')).toEqual({
      context: catalog,
      id: 'a.b-orders.order-1',
    })
  })

  it('owns no stream of another name or without an id', () => {
    expect(parseStream('orders.orders-o-17')).toBeNull()
    expect(parseStream('orders.order')).toBeNull()
    expect(parseStream('orders.order-')).toBeNull()
    expect(parseStream('orders.order-a/b')).toBeNull()
  })
})

describe('the contexts', () => {
  it.each(contexts)('$name writes to the topic of its aggregate', (context) => {
    expect(context.topic).toBe(`${categoryOf(context)}.events`)
  })

  it('have paths of their own', () => {
    expect(new Set(contexts.map(({ path }) => path)).size).toBe(contexts.length)
  })

  it.each(contexts)('$name has commands and rejections that fit a URL and a problem member', (context) => {
    for (const name of [...Object.keys(context.commands), ...context.rejections]) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
    }
  })
})
