import type { CommitDocument, FormerAnswer, NewAnswer } from '@millrace/mongo'
import { positionTokens, type TokenSigner } from '@millrace/runtime'
import { z } from 'zod'
import type { AcceptedBody, WriteOutcome, WriteRequest } from './write.ts'

type AnsweredCommit = Pick<CommitDocument, '_id' | 'tenant' | 'stream' | 'first' | 'last'> & {
  readonly events: readonly { readonly id: string; readonly type: string }[]
}

/** Turns what the store holds under an idempotency key into the very answer that was given first. */
export type Answers = {
  ofCommit(commit: AnsweredCommit, replayed: boolean): WriteOutcome
  ofAnswer(answer: NewAnswer, tenant: string, replayed: boolean): WriteOutcome
  ofFormer(former: FormerAnswer, request: Pick<WriteRequest, 'fingerprint' | 'tenant'>): WriteOutcome
}

const rejectedBody = z.object({ rejection: z.string(), stream: z.string() })
const unchangedBody = z.object({
  stream: z.string(),
  version: z.number(),
  lastCommitId: z.string().optional(),
})

export const makeAnswers = (signer: TokenSigner): Answers => {
  const positions = positionTokens(signer)
  const positionOf = (tenant: string, commitId: string): string => positions.of(tenant, { commit: commitId })

  const ofCommit: Answers['ofCommit'] = (commit, replayed) => {
    const events = commit.events.map(({ id, type }, index) => ({ id, type, version: commit.first + index }))
    const body = {
      stream: commit.stream,
      version: commit.last,
      events,
      position: positionOf(commit.tenant, commit._id),
    }
    return { type: 'accepted', body, replayed }
  }

  const ofAnswer: Answers['ofAnswer'] = ({ answer }, tenant, replayed) => {
    if (answer.status === 422) return { type: 'rejected', ...rejectedBody.parse(answer.body), replayed }
    const { stream, version, lastCommitId } = unchangedBody.parse(answer.body)
    const position = lastCommitId === undefined ? {} : { position: positionOf(tenant, lastCommitId) }
    const body: AcceptedBody = { stream, version, events: [], ...position }
    return { type: 'accepted', body, replayed }
  }

  const ofFormer: Answers['ofFormer'] = (former, request) => {
    const { fingerprint } = former.type === 'commit' ? former.commit.idempotency : former.answer.idempotency
    if (fingerprint !== request.fingerprint) return { type: 'key-reused' }
    return former.type === 'commit'
      ? ofCommit(former.commit, true)
      : ofAnswer(former.answer, request.tenant, true)
  }

  return { ofCommit, ofAnswer, ofFormer }
}
