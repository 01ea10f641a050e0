import { describe, expect, it } from '@jest/globals'
import { ConfigError } from '@millrace/runtime'
import { loadConfig } from '../src/config.ts'

const ENV = {
  MONGO_URL: 'mongodb://127.0.0.1:27017/?replicaSet=rs0',
  KAFKA_BROKERS: '127.0.0.1:9092',
  SCHEMA_REGISTRY_URL: 'http://127.0.0.1:8081',
}

const feedsOf = (CHANGEFEEDS?: string) => loadConfig({ ...ENV, CHANGEFEEDS }).CHANGEFEEDS

describe('CHANGEFEEDS', () => {
  it('is the read model of processes unless it says otherwise', () => {
    const source = { type: 'read-model', name: 'processes', version: 'v2' }
    expect(feedsOf()).toEqual([{ name: 'processes', topic: 'processes.changed', source }])
  })

  it('names read models and collections', () => {
    expect(feedsOf('order-summary=orders.changed, collection:crm.customers=customers.changed')).toMatchObject(
      [
        { name: 'order-summary', topic: 'orders.changed', source: { type: 'read-model' } },
        { name: 'collection:crm.customers', source: { type: 'collection', name: 'crm.customers' } },
      ],
    )
  })

  it.each([
    ['a read model that there is not', 'nothing=nothing.changed', 'there is no read model "nothing"'],
    ['a grouped one', 'revenue-by-day=r.changed', 'revenue-by-day is grouped: its documents are partials'],
    ['an inline one', 'open-orders=o.changed', 'open-orders is inline: its documents lie with the events'],
    ['one on demand', 'product-history=p.changed', 'product-history is on-demand: its documents are kept'],
    ['no topic', 'processes', 'is no name of a topic'],
    ['a topic of another kind', 'processes=process.state', 'is no name of a topic that ends in .changed'],
    ['too much', 'processes=a.changed=b.changed', 'is no name of a topic'],
    ['no source', '=a.changed', 'is no name of a read model'],
    ['a system collection', 'collection:system.users=a.changed', 'is no name of a read model'],
    ['its own books', 'collection:changefeeds=a.changed', 'changes with everything that is published'],
    ['a source twice', 'processes=a.changed,processes=b.changed', 'processes is there twice'],
    ['a topic twice', 'processes=a.changed,order-summary=a.changed', 'a.changed is there twice'],
  ])('refuses %s, and says why', (_what, text, why) => {
    const load = () => feedsOf(text)
    expect(load).toThrow(ConfigError)
    expect(load).toThrow(why)
    expect(load).toThrow(/CHANGEFEEDS: /)
  })
})
