import { pingMongo } from '@millrace/mongo'
import { reasonOf } from './error-code.ts'
import { LocalStackError } from './local-stack-error.ts'
import type { Role } from './stack-types.ts'
import { canConnect } from './wait-for-tcp.ts'

const TIMEOUT_MS = 5_000
const KAFKA_PORT = 9092

/** The environment variables from which callers take the URLs; named in messages only. */
export const URL_VARIABLES: Readonly<Record<Role, string>> = {
  kafka: 'KAFKA_BROKERS',
  mongo: 'MONGO_URL',
  registry: 'SCHEMA_REGISTRY_URL',
}

/** Throws an error that names the URL when nothing useful answers there. */
export const checkUrl = async (role: Role, url: string): Promise<void> => {
  try {
    await CHECKS[role](url)
  } catch (cause) {
    const reason = reasonOf(cause)
    throw new LocalStackError(
      'url-unreachable',
      `${URL_VARIABLES[role]} is ${hidePassword(url)}, which does not answer: ${reason}.`,
      {
        nextStep: `Start it, correct the URL, or unset ${URL_VARIABLES[role]} to have one started here.`,
        cause,
      },
    )
  }
}

export const parseBrokers = (brokers: string): readonly { host: string; port: number }[] =>
  brokers
    .split(',')
    .map((broker) => broker.trim())
    .filter(Boolean)
    .map((broker) => {
      const { hostname, port } = new URL(`kafka://${broker}`)
      return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? KAFKA_PORT : Number(port) }
    })

/** The password stays out of messages and logs. */
export const hidePassword = (url: string): string => url.replace(/(:\/\/[^/:@]*):[^@/]*@/, '$1:[redacted]@')

/** One broker is enough: a client finds the others through it. */
const checkKafka = async (brokers: string): Promise<void> => {
  const answers = await Promise.all(
    parseBrokers(brokers).map(({ host, port }) => canConnect(host, port, TIMEOUT_MS)),
  )
  if (!answers.includes(true)) throw new Error('no broker accepts a connection')
}

const checkRegistry = async (url: string): Promise<void> => {
  const { target, headers } = splitCredentials(`${url.replace(/\/$/, '')}/subjects`)
  const response = await fetch(target, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
  await response.arrayBuffer()
  if (response.ok) return
  const hint = response.status === 404 ? ' (it must be the root of the Confluent API)' : ''
  throw new Error(`GET /subjects was answered with ${response.status}${hint}`)
}

/** fetch refuses a URL with a password in it. */
const splitCredentials = (url: string): { target: string; headers: Record<string, string> } => {
  const target = new URL(url)
  const { username, password } = target
  if (username === '') return { target: url, headers: {} }
  target.username = ''
  target.password = ''
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { target: target.href, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } }
}

const CHECKS: Readonly<Record<Role, (url: string) => Promise<void>>> = {
  kafka: checkKafka,
  mongo: (url) => pingMongo(url, TIMEOUT_MS),
  registry: checkRegistry,
}
