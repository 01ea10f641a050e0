import type {
  AnswerScope,
  EventStore,
  FormerAnswer,
  IdempotencyKey,
  LoadedStream,
  Fields,
  InlineChange,
  NewCommit,
  StreamTail,
} from '@millrace/mongo'

type Commit = Extract<FormerAnswer, { type: 'commit' }>['commit']

const scopeText = ({ tenant, principal, route, key }: AnswerScope): string =>
  JSON.stringify([tenant, principal, route, key])

const scopeOf = (written: { tenant: string; idempotency: IdempotencyKey }): string =>
  scopeText({ tenant: written.tenant, ...written.idempotency })

/** The store's two unique indexes over arrays: conflicts are real, only the server is missing. */
export const memoryEventStore = (): EventStore => {
  const commits: (NewCommit & { last: number })[] = []
  const formers = new Map<string, FormerAnswer>()

  const documents = new Map<string, Fields | null>()

  const read = ({ tenant, stream, after = 0 }: StreamTail): LoadedStream => {
    const found = commits.filter(
      (commit) => commit.tenant === tenant && commit.stream === stream && commit.first > after,
    )
    const last = found.at(-1)
    return {
      version: last?.last ?? after,
      order: last?.order ?? 0,
      lastCommitId: last?._id,
      lastCommitFirst: last?.first ?? 0,
      events: found.flatMap(({ first, events }) =>
        events.map((event, index) => ({ ...event, version: first + index })),
      ),
      isComplete: true,
    }
  }

  type Change =
    | { readonly type: 'refused'; readonly reason: string }
    | { readonly type: 'changed'; readonly after: ReadonlyMap<string, Fields | null> }

  const tryChanges = (inline: readonly InlineChange[]): Change => {
    const after = new Map(documents)
    for (const { projection, id, change } of inline) {
      const name = `${projection}/${id}`
      const verdict = change(after.get(name) ?? null)
      if (verdict.type === 'refused') return verdict
      after.set(name, verdict.fields)
    }
    return { type: 'changed', after }
  }

  return {
    load: async (stream) => read(stream),
    // Look-up and write have no await between them: that is what the indexes of the real store come to.
    append: async (commit, inline = []) => {
      // In the order of the real store: its documents are asked before its indexes.
      const change = tryChanges(inline)
      if (change.type === 'refused') return change
      const former = formers.get(scopeOf(commit))
      if (former) return { type: 'key-used', former }
      const { version } = read(commit)
      if (commit.first !== version + 1) return { type: 'version-taken' }
      for (const [name, fields] of change.after) documents.set(name, fields)
      const written = { ...commit, last: version + commit.events.length }
      commits.push(written)
      // A former commit is only asked for what a new one has too; its bytes stay as they were given.
      formers.set(scopeOf(commit), { type: 'commit', commit: written as unknown as Commit })
      return { type: 'appended' }
    },
    findFormer: async (scope) => formers.get(scopeText(scope)),
    isLastVersion: async (stream, version) => read({ ...stream, after: version }).version === version,
    keepAnswer: async (tail, decide) => {
      const answer = await decide({
        tail: read(tail),
        refusalOf: async (inline) => {
          const change = tryChanges(inline)
          return change.type === 'refused' ? change.reason : undefined
        },
      })
      if (!answer) return { type: 'changed' }
      const former = formers.get(scopeOf(answer))
      if (former) return { type: 'key-used', former }
      formers.set(scopeOf(answer), { type: 'answer', answer: { ...answer, expiresAt: new Date() } })
      return { type: 'kept', answer }
    },
  }
}
