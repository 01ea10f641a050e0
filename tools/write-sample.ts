import { existsSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
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
    throw new Error(`data.${path.join('.')} does not fit the schema of ${type}`)
  }
  form.avroType.isValid(given, { noUndeclaredFields: true, errorHook })
  const bytes = form.avroType.toBuffer(given)
  const data: unknown = form.avroType.fromBuffer(bytes)
  return { type, data, avroHex: bytes.toString('hex'), writerSchema: withoutDocs(form.schema) }
}

const withoutDocs = (schema: object): unknown =>
  JSON.parse(JSON.stringify(schema), (name, value: unknown) => (name === 'doc' ? undefined : value))

const folder = fileURLToPath(new URL('../libs/events/test/samples/', import.meta.url))

const nextFileOf = (type: string): string => {
  let version = 1
  while (existsSync(`${folder}${type}.v${version}.json`)) version++
  return `${folder}${type}.v${version}.json`
}

/** npm run sample -- OrderDelivered '{"customerId": "c-1029"}' */
const main = async ([type = '', json = '{}']: readonly string[]): Promise<void> => {
  const file = nextFileOf(type)
  const text = JSON.stringify(sampleOf(type, JSON.parse(json)))
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), parser: 'json' }))
  console.log(file)
}

if (import.meta.main) await main(process.argv.slice(2))
