import { isReplay, untilAnswered, type WriteCall } from './write-call.ts'
import type { WriteSide } from './write-side.ts'

/** What makes a command's effect safe: the insert itself or, with inline read models, the end of its transaction. */
const WRITES = {
  insert: { name: 'insert', collection: 'commits' },
  transaction: { name: 'commitTransaction' },
} as const

export type Write = keyof typeof WRITES

const countUnder = ({ servers }: WriteSide, { key }: WriteCall): Promise<number> =>
  servers.mongoConnection.db.collection('commits').countDocuments({ 'idempotency.key': key })

type Killing = {
  readonly call: WriteCall
  readonly write: Write
  /** The message of the write that never arrives. */
  readonly lost: 'request' | 'reply'
}

/** SIGKILL while that message is held; the call is asked again once the replica is back. */
const killAt = async (side: WriteSide, { call, write, lost }: Killing): Promise<string[]> => {
  const [victim] = side.replicas
  const holding = victim.proxy.hold(lost, WRITES[write])
  const sent = victim.send(call).then(
    ({ status }) => `answered with ${status}`,
    () => 'unanswered',
  )
  await holding
  const commitsBefore = await countUnder(side, call)
  await victim.kill()
  const fate = await sent
  await victim.startAgain()
  const answer = await untilAnswered([victim], call)
  const found = [fate, commitsBefore, answer.status, isReplay(answer), await countUnder(side, call)]
  const isIn = lost === 'reply'
  const due = ['unanswered', isIn ? 1 : 0, 200, isIn, 1]
  return String(found) === String(due)
    ? []
    : [`fate, commits, answer, replay, commits: ${found.join()}, not ${due.join()}`]
}

/** After the write and before the answer: asked again, it has that answer. */
export const killBeforeAnswer = (side: WriteSide, call: WriteCall, write: Write): Promise<string[]> =>
  killAt(side, { call, write, lost: 'reply' })

/** Before the write: nothing is in, and asked again, it takes effect. */
export const killBeforeWrite = (side: WriteSide, call: WriteCall, write: Write): Promise<string[]> =>
  killAt(side, { call, write, lost: 'request' })
