import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { makeEventCatalogue, shippedEvents, type EventCatalogue } from '@millrace/events'
import type { AvroRecord } from '../src/avro-schema.ts'
import { compileType } from '../src/avro-types.ts'
import { checkSample, checkVersions, type Sample, type SampleFiles } from './check-samples.ts'
import {
  deployments,
  newestDefinitions,
  sent,
  sentV2,
  sentV3,
  toV3,
  withUpcaster,
  type SentV2,
} from './evolving-events.ts'

const folder = new URL('samples/', import.meta.url)
const names = readdirSync(folder).toSorted()
const shipped: SampleFiles = new Map(
  names.map((name) => [name, JSON.parse(readFileSync(new URL(name, folder), 'utf8'))]),
)

describe('samples', () => {
  it.each(names)('%s is readable for ever', async (name) => {
    await checkSample(shipped, shippedEvents(), name)
  })

  it.each([...shippedEvents()])('%s has one for every version of its schema', (_type, form) => {
    checkVersions(shipped, form)
  })
})

const sampleOf = (schema: AvroRecord, data: object): Sample => ({
  type: schema.name,
  data,
  avroHex: compileType(schema).toBuffer(data).toString('hex'),
  writerSchema: schema,
})
const first = { ...sent, fields: sent.fields.slice(0, 2) }
const address = { name: 'Ann', country: 'DE' }
const files: SampleFiles = new Map<string, unknown>([
  ['ParcelSent.v1.json', sampleOf(first, { name: 'Ann', weightKg: 1.25 })],
  ['ParcelSent.v1.upcast.json', { type: 'ParcelSentV2', data: { to: 'Ann', weightGrams: 1250 } }],
  ['ParcelSent.v2.json', sampleOf(sent, { name: 'Ann', weightKg: 2, note: 'x' })],
  ['ParcelSent.v2.upcast.json', { type: 'ParcelSentV2', data: { to: 'Ann', weightGrams: 2000, note: 'x' } }],
  ['ParcelSentV2.v1.json', sampleOf(sentV2, { to: 'Ann', weightGrams: 7, note: '' })],
  ['ParcelSentV2.v1.upcast.json', { type: 'ParcelSentV3', data: { to: address, weightGrams: 7 } }],
  ['ParcelSentV3.v1.json', sampleOf(sentV3, { to: address, weightGrams: 7, note: '' })],
])
const newest = deployments[3] ?? shippedEvents()

const check = async (changed: SampleFiles, catalogue: EventCatalogue = newest): Promise<void> => {
  for (const form of catalogue.values()) checkVersions(changed, form)
  for (const name of changed.keys()) await checkSample(changed, catalogue, name)
}
const without = (...gone: string[]): SampleFiles =>
  new Map([...files].filter(([name]) => !gone.includes(name)))
const having = (name: string, change: object): SampleFiles =>
  new Map([...files, [name, { ...(files.get(name) as object), ...change }]])
const withSchemas = (...schemas: AvroRecord[]): EventCatalogue =>
  makeEventCatalogue({
    ...newestDefinitions,
    schemas: new Map([
      ...newestDefinitions.schemas,
      ...schemas.map((schema) => [schema.name, schema] as const),
    ]),
  })

describe('the check of samples', () => {
  it('accepts an event with all its versions and former types', async () => {
    await expect(check(files)).resolves.toBeUndefined()
  })

  it('accepts a field that a later version took away', async () => {
    const onlyFirst = deployments[0] ?? newest
    const again = sampleOf(first, { name: 'Ann', weightKg: 3 })
    const taken = new Map([...files].filter(([name]) => /^ParcelSent\.v\d\.json$/.test(name)))
    await expect(check(taken.set('ParcelSent.v3.json', again), onlyFirst)).resolves.toBeUndefined()
  })

  it.each([...files.keys()])('misses %s', async (name) => {
    await expect(check(without(name))).rejects.toThrow()
  })

  it('notices a schema that changed without a new sample, a default included', async () => {
    for (const form of [sent, sentV2, sentV3]) {
      const added = { ...form, fields: [...form.fields, { name: 'x', type: 'long', doc: 'x', default: 0 }] }
      await expect(check(files, withSchemas(added))).rejects.toThrow(`the schema of ${form.name} has changed`)
    }
    const [name, weight, note] = sent.fields
    if (!name || !weight || !note) throw new Error('a parcel has three fields')
    const redefined = { ...sent, fields: [name, weight, { ...note, default: 'nothing' }] }
    await expect(check(files, withSchemas(redefined))).rejects.toThrow('the schema of ParcelSent has changed')
  })

  it('notices a version that today’s schema cannot read', async () => {
    const retyped = { ...sent, fields: [{ name: 'name', type: 'long', doc: 'x' }, ...sent.fields.slice(1)] }
    const added = sampleOf(retyped, { name: 1, weightKg: 2, note: 'x' })
    const changed = new Map([...files, ['ParcelSent.v3.json', added], ['ParcelSent.v3.upcast.json', {}]])
    await expect(check(changed, withSchemas(retyped))).rejects.toThrow()
  })

  it('notices an event whose schema is gone', async () => {
    const { recordTypes } = newestDefinitions
    const forgotten = makeEventCatalogue({
      schemas: new Map([[sentV3.name, sentV3]]),
      recordTypes,
      upcasters: {},
    })
    await expect(check(files, forgotten)).rejects.toThrow('no schema of ParcelSent is left to read it')
  })

  it('notices an upcaster that fails or makes something else', async () => {
    const failing = withUpcaster(() => null)
    await expect(check(files, failing)).rejects.toThrow('ParcelSent did not become ParcelSentV2')
    const heavier = withUpcaster(({ name, weightKg, note }) => ({ to: name, weightGrams: weightKg, note }))
    await expect(check(files, heavier)).rejects.toThrow()
  })

  it('notices a later upcaster that cannot go on from what an earlier one makes', async () => {
    const upcast = (data: SentV2) => (data.note === 'none' ? null : toV3(data))
    const upcasters = { ...newestDefinitions.upcasters, ParcelSentV2: { to: 'ParcelSentV3', upcast } }
    const picky = makeEventCatalogue({ ...newestDefinitions, upcasters })
    await expect(check(files, picky)).rejects.toThrow('ParcelSentV2 did not become ParcelSentV3')
  })

  it('notices a sample that was edited', async () => {
    const edits = [{ data: { name: 'Bob', weightKg: 1.25 } }, { avroHex: '00' }, { type: 'ParcelSentV2' }]
    for (const edit of edits) await expect(check(having('ParcelSent.v1.json', edit))).rejects.toThrow()
  })
})
