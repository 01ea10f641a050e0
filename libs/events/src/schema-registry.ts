import {
  COMPATIBILITY,
  SchemaRegistry as RegistryClient,
  SchemaType,
} from '@kafkajs/confluent-schema-registry'
import {
  askRegistry,
  defaultTimeoutMs,
  isRefusalStatus,
  readField,
  type RegistryOptions,
} from './ask-registry.ts'
import type { AvroRecord } from './avro-schema.ts'
import { IncompatibleSchemaError, RegistryRefusedError, RegistryUnavailableError } from './errors.ts'

/**
 * The four questions that Millrace asks a Confluent-compatible registry. Registration and the lookup of ids go
 * through the registry client; schemas and compatibility are plain HTTP.
 *
 * An answer "not found" decides whether an event is poison, so it must be the registry's own. The client reports
 * a refused connection as status 400 and a gateway's 404 page as 404; so when it fails, the registry is asked for
 * something it can always answer, and the client's no counts only after that. The client has no deadline either,
 * and shares a hung request with whoever asks next: every question has a deadline and a client of its own.
 */
export type SchemaRegistry = {
  /** Id of exactly this schema under the subject; null when it is not registered. */
  readonly idOf: (subject: string, schema: AvroRecord) => Promise<number | null>
  /** Writer schema as registered; null when the registry knows no such id. */
  readonly schemaOf: (id: number) => Promise<RegisteredSchema | null>
  readonly setFullTransitive: (subject: string) => Promise<void>
  readonly register: (subject: string, schema: AvroRecord) => Promise<number>
}

export type RegisteredSchema = { readonly format: string; readonly text: string }

export const connectRegistry = (options: RegistryOptions): SchemaRegistry => ({
  idOf: (subject, schema) => findId(options, subject, toConfluent(schema)),
  schemaOf: (id) => loadSchema(options, id),
  setFullTransitive: (subject) => setFullTransitive(options, subject),
  register: (subject, schema) => registerSchema(options, subject, toConfluent(schema)),
})

type ConfluentSchema = { type: SchemaType.AVRO; schema: string }

const findId = async (
  options: RegistryOptions,
  subject: string,
  schema: ConfluentSchema,
): Promise<number | null> => {
  try {
    const client = makeClient(options)
    return checkId(await withDeadline(options, client.getRegistryIdBySchema(subject, schema)))
  } catch (cause) {
    const { status } = await askRegistry(options, `/subjects/${encodeURIComponent(subject)}/versions`)
    // Of all failures the client renames just the 404 that it expects.
    if (status === 404 || isNamed(cause, 'ConfluentSchemaRegistryError')) return null
    throw toRegistryError(`schema registry: ${subject} was not looked up: ${reasonOf(cause)}`, cause)
  }
}

const loadSchema = async (options: RegistryOptions, id: number): Promise<RegisteredSchema | null> => {
  const { status, body } = await askRegistry(options, `/schemas/ids/${id}`)
  if (status === 404) return null
  const text = readField(body, 'schema')
  const format = readField(body, 'schemaType') ?? 'AVRO'
  if (typeof text === 'string' && typeof format === 'string') return { format, text }
  throw new RegistryUnavailableError(`schema registry: id ${id} came without a schema`)
}

const setFullTransitive = async (options: RegistryOptions, subject: string): Promise<void> => {
  const compatibility = COMPATIBILITY.FULL_TRANSITIVE
  const ask = () => askRegistry(options, `/config/${encodeURIComponent(subject)}`, { compatibility })
  // Two setups at the same time create the same rule, and one of them may hear 409: then it is there and can be set.
  const { status } = await ask().catch((error: unknown) => {
    if (error instanceof RegistryUnavailableError) return ask()
    throw error
  })
  if (status === 404)
    throw new RegistryRefusedError(`schema registry: ${subject} takes no compatibility level`)
}

const registerSchema = async (
  options: RegistryOptions,
  subject: string,
  schema: ConfluentSchema,
): Promise<number> => {
  const compatibility = COMPATIBILITY.FULL_TRANSITIVE
  try {
    const { id } = await withDeadline(
      options,
      makeClient(options).register(schema, { subject, compatibility }),
    )
    return checkId(id)
  } catch (cause) {
    if (statusOf(cause) === 409) throw new IncompatibleSchemaError(subject, reasonOf(cause))
    throw toRegistryError(`schema registry: ${subject} was not registered: ${reasonOf(cause)}`, cause)
  }
}

const makeClient = ({ registryUrl, auth }: RegistryOptions): RegistryClient =>
  new RegistryClient({
    host: registryUrl,
    clientId: 'millrace',
    retry: { retries: 1, initialRetryTimeInSecs: 0.1, maxRetryTimeInSecs: 1 },
    ...(auth === undefined ? {} : { auth }),
  })

const toConfluent = (schema: AvroRecord): ConfluentSchema => ({
  type: SchemaType.AVRO,
  schema: JSON.stringify(schema),
})

const withDeadline = async <T>(options: RegistryOptions, answer: Promise<T>): Promise<T> => {
  const { timeoutMs = defaultTimeoutMs } = options
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  try {
    return await Promise.race([answer, promise])
  } finally {
    clearTimeout(timer)
  }
}

const checkId = (id: unknown): number => {
  if (typeof id === 'number' && Number.isInteger(id)) return id
  throw new Error('the answer has no schema id')
}

const toRegistryError = (message: string, cause: unknown): Error => {
  // Another compatibility level is found by the client itself, so that error has no status.
  const isForeignLevel = isNamed(cause, 'ConfluentSchemaRegistryCompatibilityError')
  return isForeignLevel || isRefusalStatus(statusOf(cause))
    ? new RegistryRefusedError(message, { cause })
    : new RegistryUnavailableError(message, { cause })
}

const statusOf = (error: unknown): unknown => readField(error, 'status')

const isNamed = (error: unknown, name: string): boolean => error instanceof Error && error.name === name

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message.replace(/^millrace - /, '') : String(error)
