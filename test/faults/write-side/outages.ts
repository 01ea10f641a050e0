import { eventually } from '@millrace/testkit'
import type { HttpAnswer } from '../../support/http-client.ts'
import { logFaults } from './log-faults.ts'
import type { Replica } from './replica.ts'
import { addProduct, placeOrder, untilAnswered, type WriteCall } from './write-call.ts'
import type { WriteSide } from './write-side.ts'

/** A server that is taken away and given back. */
export type Outage = {
  readonly lastsMs: number
  goDown(): Promise<void> | void
  comeBack(): Promise<void> | void
}

const HEALTH_TIMEOUT_MS = 30_000

const waveOf = (side: WriteSide): WriteCall[] =>
  side.replicas.flatMap(() => [placeOrder(side.newId(), side.newId()), addProduct(side.newId())])

const sendAll = ({ replicas }: WriteSide, calls: readonly WriteCall[]): Promise<HttpAnswer[]> =>
  Promise.all(calls.map((call, index) => (replicas[index % 2] as Replica).send(call)))

const answersBeside = (answers: readonly HttpAnswer[], allowed: (answer: HttpAnswer) => boolean): string[] =>
  answers.filter((answer) => !allowed(answer)).map(({ status, text }) => `answered with ${status}: ${text}`)

const healthIs = (side: WriteSide, expected: readonly [number, number]): Promise<string[]> =>
  eventually(
    () => Promise.all(side.replicas.map((replica) => replica.health())),
    (all) => all.every((found) => String(found) === String(expected)),
    { timeoutMs: HEALTH_TIMEOUT_MS },
  ).then(
    () => [],
    (error: unknown) => [`health was to be ${expected.join(', ')}: ${String(error)}`],
  )

const asksToRetry = ({ status, headers }: HttpAnswer): boolean =>
  status === 503 && headers['retry-after'] !== undefined

type Seen = { readonly calls: readonly WriteCall[]; readonly faults: readonly string[] }

type Due = {
  readonly answer: (answer: HttpAnswer) => boolean
  readonly inFlight: (answer: HttpAnswer) => boolean
  /** Of `/readyz`. */
  readonly ready: 200 | 503
}

/** Sends wave after wave while the server is away; what each is answered must be allowed. */
const during = async (side: WriteSide, { lastsMs, goDown, comeBack }: Outage, due: Due): Promise<Seen> => {
  const inFlight = waveOf(side)
  const sending = sendAll(side, inFlight)
  await goDown()
  const startedAt = performance.now()
  const faults = [...answersBeside(await sending, due.inFlight)]
  const calls = [...inFlight]
  do {
    const wave = waveOf(side)
    calls.push(...wave)
    faults.push(...answersBeside(await sendAll(side, wave), due.answer))
  } while (performance.now() - startedAt < lastsMs)
  faults.push(...(await healthIs(side, [200, due.ready])))
  await comeBack()
  faults.push(...(await healthIs(side, [200, 200])))
  return { calls, faults }
}

const processesOf = (side: WriteSide): string => side.replicas.map((replica) => replica.process().pid).join()

/** What is asked again at the same time: a minute's calls at once would only show what a service takes. */
const AGAIN_TOGETHER = 64

const askAgain = async (side: WriteSide, calls: readonly WriteCall[]): Promise<HttpAnswer[]> => {
  const answers: HttpAnswer[] = []
  for (let from = 0; from < calls.length; from += AGAIN_TOGETHER) {
    const group = calls.slice(from, from + AGAIN_TOGETHER)
    answers.push(...(await Promise.all(group.map((call) => untilAnswered(side.replicas, call)))))
  }
  return answers
}

/** Everything asked meanwhile is asked again, and must be in once. */
const settle = async (side: WriteSide, { calls, faults }: Seen): Promise<string[]> => {
  const answers = await askAgain(side, calls)
  const documents = side.servers.mongoConnection.db.collection('commits')
  const keys = calls.map(({ key }) => key)
  const commits = await documents.countDocuments({ 'idempotency.key': { $in: keys } })
  return [
    ...faults,
    ...answersBeside(answers, ({ status }) => status === 200),
    ...(commits === calls.length ? [] : [`${calls.length} calls made ${commits} commits`]),
    ...(await logFaults(side)),
  ]
}

const without = async (side: WriteSide, outage: Outage, due: Due): Promise<string[]> => {
  const before = processesOf(side)
  const faults = await settle(side, await during(side, outage, due))
  const isSame = processesOf(side) === before && side.replicas.every((one) => one.process().isAlive())
  return [...faults, ...(isSame ? [] : ['a process ended']), ...loggedErrors(side)]
}

/** An answer of 500 says nothing of its reason. */
const loggedErrors = ({ replicas }: WriteSide): string[] =>
  replicas
    .flatMap((replica) => replica.process().log())
    .filter(({ msg }) => msg === 'request failed')
    .map((line) => `logged: ${JSON.stringify(line)}`)

/** Commands are refused with 503 and Retry-After; afterwards the same commands take effect once. */
export const withoutMongo = (side: WriteSide, outage: Outage): Promise<string[]> =>
  without(side, outage, {
    answer: asksToRetry,
    inFlight: (answer) => answer.status === 200 || asksToRetry(answer),
    ready: 503,
  })

/** Commands are accepted all the while; afterwards the relay catches up. */
export const withoutKafka = (side: WriteSide, outage: Outage): Promise<string[]> =>
  without(side, outage, { answer: isAccepted, inFlight: isAccepted, ready: 200 })

const isAccepted = ({ status }: HttpAnswer): boolean => status === 200
