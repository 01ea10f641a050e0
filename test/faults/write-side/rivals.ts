import {
  addProduct,
  appendPrice,
  isReplay,
  payOrder,
  placeOrder,
  retireProduct,
  sayingOf,
  untilAnswered,
  type Answered,
  type WriteCall,
} from './write-call.ts'
import type { WriteSide } from './write-side.ts'

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

const countStatuses = (answers: readonly Answered[]): string =>
  JSON.stringify(
    Object.fromEntries(
      [...Map.groupBy(answers, ({ answer }) => answer.status)].map(([status, group]) => [
        status,
        group.length,
      ]),
    ),
  )

/** All at once, each to the replicas in turn. */
const askAll = ({ replicas }: WriteSide, calls: readonly WriteCall[]): Promise<Answered[]> =>
  Promise.all(
    calls.map(async (call, index) => {
      const inTurn = index % 2 === 0 ? replicas : replicas.toReversed()
      return { call, answer: await untilAnswered(inTurn, call) }
    }),
  )

/** Many writers on one aggregate, round after round: one winner a version, and the others are told. */
export const race = async (
  side: WriteSide,
  { writers, rounds }: { writers: number; rounds: number },
): Promise<string[]> => {
  const product = side.newId()
  await askAll(side, [addProduct(product)])
  const faults: string[] = []
  for (const version of range(rounds).map((round) => round + 2)) {
    const appends = range(writers).map((writer) => appendPrice(product, version - 1, writer + 2))
    const order = side.newId()
    const places = range(writers).map(() => placeOrder(order, product))
    const appended = await askAll(side, appends)
    const placed = await askAll(side, places)
    const versions = new Set(
      appended.map(({ answer }) => answer.json()[answer.status === 200 ? 'version' : 'currentVersion']),
    )
    if (versions.size !== 1 || !versions.has(version))
      faults.push(`version ${version} became ${[...versions].join()}`)
    const told = [countStatuses(appended), countStatuses(placed)]
    const due = [`{"200":1,"409":${writers - 1}}`, `{"200":1,"422":${writers - 1}}`]
    if (String(told) !== String(due))
      faults.push(`version ${version} was answered with ${told.join(' and ')}`)
  }
  return faults
}

/**
 * Calls of all fates: accepted with and without an inline read model, on an aggregate of their own or on one of all,
 * rejected, without effect.
 */
const someCalls = async (side: WriteSide, count: number): Promise<WriteCall[]> => {
  const retired = side.newId()
  await askAll(side, [addProduct(retired)])
  await askAll(side, [retireProduct(retired)])
  const shared = side.newId()
  await askAll(side, [addProduct(shared)])
  const customer = side.newId()
  const kinds = [
    () => placeOrder(side.newId(), customer),
    () => addProduct(side.newId()),
    () => payOrder(side.newId()),
    () => retireProduct(retired),
    (index: number) => appendPrice(shared, 'any', index + 2),
  ]
  return range(count).map((index) => (kinds[index % kinds.length] ?? kinds[0])?.(index) as WriteCall)
}

/** Each call many times at once, over both replicas: it takes effect once, and all its answers say the same. */
export const storm = async (
  side: WriteSide,
  { calls, repeats }: { calls: number; repeats: number },
): Promise<string[]> => {
  const once = await someCalls(side, calls)
  const answered = await askAll(
    side,
    range(repeats).flatMap(() => once),
  )
  const documents = side.servers.mongoConnection.db.collection('commits')
  const faults: string[] = []
  for (const [call, group] of Map.groupBy(answered, (one) => one.call)) {
    const sayings = new Set(group.map(({ answer }) => sayingOf(answer)))
    const firsts = group.filter(({ answer }) => !isReplay(answer)).length
    const kept = await documents.countDocuments({ 'idempotency.key': call.key })
    if (sayings.size !== 1) faults.push(`${call.path} was answered with ${[...sayings].join(' and ')}`)
    if (firsts !== 1 || kept !== 1) faults.push(`${call.path}: ${firsts} first answers, ${kept} documents`)
  }
  return faults
}
