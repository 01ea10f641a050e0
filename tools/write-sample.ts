import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { format, resolveConfig } from 'prettier'
import { shippedEvents } from '@millrace/events'

type Sample = {
  readonly type: string
  readonly data: unknown
  readonly avroHex: string
  readonly writerSchema: unknown
}

/** An event as today's schema writes it, with that schema. Throws when the data does not fit. */
export const sampleOf = (type: string, given: unknown): Sample => {
  const form = shippedEvents().get(type)
  if (form === undefined) throw new Error(`there is no event ${JSON.stringify(type)}`)
  const errorHook = (path: string[]): never => {
    throw new Error(`${['data', ...path].join('.')} does not fit the schema of ${type}`)
  }
  form.avroType.isValid(given, { noUndeclaredFields: true, errorHook })
  const bytes = form.avroType.toBuffer(given)
  const data: unknown = form.avroType.fromBuffer(bytes)
  return { type, data, avroHex: bytes.toString('hex'), writerSchema: withoutDocs(form.schema) }
}

const withoutDocs = (schema: object): unknown =>
  JSON.parse(JSON.stringify(schema), (name, value: unknown) => (name === 'doc' ? undefined : value))

const folder = fileURLToPath(new URL('../libs/events/test/samples/', import.meta.url))

const fileOf = (type: string, version: number): string => `${folder}${type}.v${version}.json`

/** The file after the last one; undefined when that one was written by today's schema. */
const nextFileOf = ({ type, writerSchema }: Sample): string | undefined => {
  let version = 1
  while (existsSync(fileOf(type, version))) version++
  if (version === 1) return fileOf(type, 1)
  const newest = JSON.parse(readFileSync(fileOf(type, version - 1), 'utf8')) as Sample
  return isDeepStrictEqual(newest.writerSchema, writerSchema) ? undefined : fileOf(type, version)
}

const USAGE = `usage: npm run sample -- TYPE 'DATA AS JSON', for example: OrderDelivered '{"customerId": "c-1029"}'`

const main = async ([type, json]: readonly string[]): Promise<void> => {
  if (type === undefined || json === undefined) throw new Error(USAGE)
  const sample = sampleOf(type, JSON.parse(json))
  const file = nextFileOf(sample)
  if (file === undefined) throw new Error(`the newest sample of ${type} has today's schema already`)
  const settings = { ...(await resolveConfig(file)), parser: 'json' }
  writeFileSync(file, await format(JSON.stringify(sample), settings))
  console.log(file)
}

if (import.meta.main) {
  await main(process.argv.slice(2)).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 2
  })
}
