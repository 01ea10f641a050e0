import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { projections } from '@millrace/domain'
import { toHeaders, toMessageKey, topics, type DomainEvent } from '@millrace/events'
import { makePartitionProducer, type OutgoingMessage } from '@millrace/kafka'
import { eventually, orderPaid, orderPlaced, recorded } from '@millrace/testkit'
import { startProjectorGroup, type Member, type ProjectorGroup } from './projector-group.ts'

const TOPIC = topics['orders.order.events']
const PARTITION = 0
const PATIENT = { timeoutMs: 60_000 }
const YEAR_0 = Date.parse('0000-01-01T00:00:00.000Z')
const YEAR_9999 = Date.parse('9999-12-31T23:59:59.999Z')

/** All that orders flow into. */
const fed = projections.filter(
  ({ kind, sources }) => kind !== 'inline' && sources.some((name) => name === TOPIC.name),
)

// One story in order: what the relay would never write, and a real projector with all that is shipped.
describe('a projector', () => {
  let group: ProjectorGroup
  let member: Member
  let sequence = 0
  const versions = new Map<string, number>()
  beforeAll(async () => {
    group = await startProjectorGroup('odd-records')
    member = await group.start({ PROJECTIONS: fed.map(({ name }) => name).join() })
  })
  afterAll(() => group.stop())

  type Oddity = { readonly at?: number; readonly value?: Buffer | null; readonly type?: string }

  const messageOf = (key: string, event: DomainEvent, { at, value, type }: Oddity = {}): OutgoingMessage => {
    const version = (versions.get(key) ?? 0) + 1
    versions.set(key, version)
    sequence += 1
    const occurred = at === undefined ? {} : { occurredAt: at }
    const full = recorded(event, { tenant: 'demo', key, version, sequence, ...occurred })
    return {
      key: toMessageKey(full),
      value: value === undefined ? group.codec.encode(TOPIC.name, event) : value,
      headers: toHeaders({ ...full, type: type ?? full.type, traceparent: null }),
    }
  }

  const write = async (messages: readonly OutgoingMessage[]): Promise<void> => {
    const producer = makePartitionProducer(group.kafka, { topic: TOPIC.name, partition: PARTITION })
    await producer.send(messages)
    await producer.close()
  }

  /** Every read model has been over all that is written. */
  const settled = () =>
    eventually(
      async () =>
        (await group.checkpoints()).filter(
          ({ _id, lastSequence }) =>
            _id.topic === TOPIC.name && _id.partition === PARTITION && lastSequence === sequence,
        ).length,
      (count) => count === fed.length,
      PATIENT,
    )

  const parked = async (): Promise<Record<string, number[]>> => {
    const found = await group.servers.mongoConnection.db.collection('parkedEvents').find().toArray()
    const byProjection = Map.groupBy(found, (one) => String(one['projection']))
    return Object.fromEntries(
      [...byProjection].map(([name, events]) => [
        name,
        events.map((event) => Number(event['sequence'])).toSorted((a, b) => a - b),
      ]),
    )
  }

  const statusOf = async (key: string): Promise<unknown> => {
    const summaries = group.servers.mongoConnection.db.collection<{ _id: string; status: string }>(
      'readModel.order-summary.v1',
    )
    return (await summaries.findOne({ _id: `demo/${key}` }))?.status
  }

  it('takes events of the year 0 and of 9999, in whatever order', async () => {
    const keys = ['o-then', 'o-now', 'o-later', 'o-again']
    const times = [YEAR_9999, undefined, YEAR_0, YEAR_9999]
    await write(
      keys.flatMap((key, index) => {
        const at = times[index]
        const when = at === undefined ? {} : { at }
        return [messageOf(key, orderPlaced(), when), messageOf(key, orderPaid(), when)]
      }),
    )
    await settled()
    expect(await parked()).toEqual({})
    expect(await Promise.all(keys.map(statusOf))).toEqual(keys.map(() => 'paid'))
    const { stored, folded } = await group.histories(await group.records())
    expect(stored).toEqual(folded)
    expect(Object.keys(stored as object)).toHaveLength(keys.length)
  })

  /** Who has no business with payments parks only what nobody can tell the type of. */
  const toPark = ({ events }: (typeof fed)[number], { type }: Oddity): number[] => {
    if (events.some((handled) => handled === 'OrderPaid')) return [2, 4]
    return type === undefined ? [] : [2]
  }

  const ODD_KEY = 'o-odd'
  it.each<[string, Oddity]>([
    ['a tombstone', { value: null }],
    ['a schema that nobody has registered', { value: Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1]) }],
    ['bytes in no format', { value: Buffer.from('nonsense') }],
    [
      'a type that there is not',
      { type: 'OrderEnchanted', value: Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1]) },
    ],
  ])('parks the key of %s, and no other', async (what, oddity) => {
    const [odd, even] = [`${ODD_KEY}-${what}`, `o-even-${what}`].map((key) => key.replaceAll(' ', '-'))
    const before = await parked()
    const first = sequence + 1
    await write([
      messageOf(odd ?? '', orderPlaced()),
      messageOf(even ?? '', orderPlaced()),
      messageOf(odd ?? '', orderPaid(), oddity),
      messageOf(even ?? '', orderPaid()),
      messageOf(odd ?? '', orderPaid()),
    ])
    await settled()
    expect(await Promise.all([odd, even].map((key) => statusOf(key ?? '')))).toEqual(['placed', 'paid'])
    const now = await parked()
    const added = fed.map(({ name, version }) => {
      const build = `${name}.${version}`
      return now[build]?.filter((one) => !before[build]?.includes(one)) ?? []
    })
    expect(added).toEqual(fed.map((projection) => toPark(projection, oddity).map((place) => first + place)))
    expect([member.isAlive(), await member.status('/livez')]).toEqual([true, 200])
  })
})
