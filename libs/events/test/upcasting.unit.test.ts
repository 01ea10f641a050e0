import { beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  DecodeError,
  makeCodec,
  makeInMemoryRegistry,
  readRecord,
  toHeaders,
  type Codec,
  type DomainEvent,
  type EventCatalogue,
} from '@millrace/events'
import { subjectOf } from '../src/topics.ts'
import { registerAll } from '../src/register-schemas.ts'
import { arbitraryOf } from './arbitrary-of.ts'
import {
  deployments,
  parcelTopic as topic,
  sent,
  sentV2,
  toV2,
  toV3,
  withUpcaster,
} from './evolving-events.ts'

const registry = makeInMemoryRegistry()
const deploy = async (catalogue: EventCatalogue): Promise<Codec> => {
  await registerAll(registry, () => {}, catalogue)
  const codec = await makeCodec(registry, [topic], catalogue)
  await codec.ensureWriters(Array.from({ length: 10 }, (_, id) => id))
  return codec
}
const eventOf = (type: string, data: unknown) => ({ type, data }) as unknown as DomainEvent

/** The same event as each program wrote it. */
const written = [
  eventOf('ParcelSent', { name: 'Ann', weightKg: 1.25 }),
  eventOf('ParcelSent', { name: 'Ann', weightKg: 1.25, note: 'none' }),
  eventOf('ParcelSentV2', { to: 'Ann', weightGrams: 1250, note: 'none' }),
  eventOf('ParcelSentV3', { to: { name: 'Ann', country: 'DE' }, weightGrams: 1250, note: 'none' }),
]
const newest = written[3]

let programs: Codec[]
let stored: Buffer[]
let codec: Codec
beforeAll(async () => {
  for (const catalogue of deployments) await registerAll(registry, () => {}, catalogue)
  programs = await Promise.all(deployments.map(deploy))
  stored = programs.map((program, index) => program.encode(topic, written[index] ?? eventOf('', null)))
  codec = programs[3] ?? (await deploy(new Map()))
})

const bytesOf = (release: number): Buffer => stored[release] ?? Buffer.alloc(0)

const faultOf = (action: () => unknown): unknown => {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('an event that changed three times', () => {
  it.each([0, 1, 2, 3])('comes out as if release %i had written the newest form', (release) => {
    expect(codec.decode(topic, bytesOf(release))).toStrictEqual(newest)
  })

  it('comes out in the newest form of whoever reads it', () => {
    expect(programs[1]?.decode(topic, bytesOf(0))).toStrictEqual(written[1])
    expect(programs[2]?.decode(topic, bytesOf(0))).toStrictEqual(written[2])
  })

  it('is the same as the upcast event written anew, whatever its data', () => {
    const [, second, third] = programs
    fc.assert(
      fc.property(arbitraryOf(sentV2, new Map()), (data) => {
        const former = third?.encode(topic, eventOf('ParcelSentV2', data)) ?? bytesOf(2)
        const anew = codec.encode(topic, eventOf('ParcelSentV3', toV3(data as never)))
        expect(codec.decode(topic, former)).toStrictEqual(codec.decode(topic, anew))
      }),
    )
    const light = arbitraryOf(sent, new Map()).map((data) => ({ ...data, weightKg: 0.001 }))
    fc.assert(
      fc.property(light, (data) => {
        const former = second?.encode(topic, eventOf('ParcelSent', data)) ?? bytesOf(1)
        const anew = codec.encode(topic, eventOf('ParcelSentV3', toV3(toV2(data as never))))
        expect(codec.decode(topic, former)).toStrictEqual(codec.decode(topic, anew))
      }),
    )
  })

  it('is read from the topic of its newest form only', () => {
    expect(faultOf(() => codec.decode('catalog.product.events', bytesOf(0)))).toMatchObject({
      code: 'wrong-subject',
    })
  })

  it('is never written in a former form again', () => {
    for (const event of written.slice(0, 3)) {
      expect(faultOf(() => codec.encode(topic, event))).toMatchObject({
        name: 'EncodeError',
        code: 'wrong-topic',
      })
    }
  })

  it('keeps the subjects of its former forms registered', async () => {
    const fresh = makeInMemoryRegistry()
    const registered = await registerAll(fresh, () => {}, deployments[3])
    expect(registered.map(({ subject }) => subject)).toEqual(
      ['ParcelSent', 'ParcelSentV2', 'ParcelSentV3'].map((type) => subjectOf(topic, type)),
    )
  })
})

describe('an upcaster', () => {
  const decodeWith = async (upcast: Parameters<typeof withUpcaster>[0]): Promise<unknown> =>
    (await deploy(withUpcaster(upcast))).decode(topic, bytesOf(0))

  it('that throws makes the record unreadable, naming the step', async () => {
    const cause = new Error('no weight')
    const decoding = decodeWith(() => {
      throw cause
    })
    await expect(decoding).rejects.toBeInstanceOf(DecodeError)
    await expect(decoding).rejects.toMatchObject({
      code: 'upcast-failed',
      retryable: false,
      message: 'ParcelSent did not become ParcelSentV2: no weight',
      cause,
    })
  })

  const fits = { to: 'Ann', weightGrams: 1250, note: '' }
  it.each<[string, unknown, string]>([
    ['lacks a field', { ...fits, to: undefined }, 'data.to is missing'],
    ['has a field too many', { ...fits, country: 'DE' }, 'data.country is not declared'],
    ['has a wrong value', { ...fits, weightGrams: 1250.5 }, 'data.weightGrams is a number with a fraction'],
    ['is nothing', undefined, 'data is missing'],
    ['is a promise', Promise.resolve(fits), 'data.to is missing'],
  ])('whose result %s makes the record unreadable before the next step', async (_name, result, problem) => {
    await expect(decodeWith(() => result)).rejects.toMatchObject({
      code: 'upcast-failed',
      message: expect.stringContaining(`ParcelSent did not become ParcelSentV2: ${problem}`),
    })
  })

  it('shares nothing with the events it makes', async () => {
    const shared = { ...fits }
    const program = await deploy(withUpcaster(() => shared))
    const before = program.decode(topic, bytesOf(0))
    shared.to = 'Bob'
    expect(before).toMatchObject({ data: { to: { name: 'Ann' } } })
  })
})

describe('a Kafka record of a former type', () => {
  const read = (type: string, release = 0) =>
    readRecord(codec, {
      topic,
      offset: 7n,
      key: 'acme/o-17',
      value: bytesOf(release),
      headers: toHeaders({
        id: '01920000-0000-7000-8000-000000000001',
        type,
        tenant: 'acme',
        stream: 'orders.order-o-17',
        version: 3,
        occurredAt: 1_767_322_800_000,
        correlationId: 'corr-1',
        causationId: 'cause-1',
        actor: 'user:ann',
        sequence: 41,
        traceparent: null,
      }),
    })

  it('is an event of the newest type, in its place', () => {
    expect(read('ParcelSent')).toMatchObject({ ...newest, version: 3, sequence: 41 })
    expect(read('ParcelSentV2', 2)).toMatchObject({ ...newest, version: 3, sequence: 41 })
  })

  it('is refused when its header names a type that does not become the type of the value', () => {
    for (const type of ['OrderPaid', 'ParcelEaten']) {
      expect(faultOf(() => read(type))).toMatchObject({ code: 'bad-header', header: 'ce_type' })
    }
  })
})
