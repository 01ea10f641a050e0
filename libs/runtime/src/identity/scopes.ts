/**
 * What a token may allow, all of it; docs/security.md shows the same table. `<context>` stands for the name of a context
 * of the domain, `<topic>` for the name of a topic.
 */
export const scopeTable = [
  { scope: '<context>:write', allows: 'send the commands of this context (`orders:write`, `catalog:write`)' },
  { scope: 'heartbeats:write', allows: 'send heartbeats of processes' },
  { scope: 'streams:read', allows: 'read streams, categories, event types, snapshots and folded states' },
  { scope: 'streams:append', allows: 'append events as they are, past the commands' },
  { scope: 'snapshots:write', allows: 'have a snapshot taken' },
  { scope: 'read-models:read', allows: 'list and read the read models, and the values of tables' },
  { scope: 'import', allows: 'say when a command happened (`occurredAt`), beside the scope of the command' },
  { scope: 'ops:read', allows: 'see the state of topics, groups, projections and services' },
  { scope: 'ops:write', allows: 'pause, resume, rebuild and reset' },
  { scope: 'dlq:read', allows: 'see dead letters and what is in them' },
  { scope: 'dlq:replay', allows: 'send dead letters again, or put them aside' },
  { scope: 'publish:<topic>', allows: 'publish messages of its own to this topic' },
] as const

type Filled<Text> = Text extends `${infer Before}<${string}>${infer After}`
  ? `${Before}${string}${After}`
  : Text

/** One action of the table; a route names the one that it needs. */
export type Scope = Filled<(typeof scopeTable)[number]['scope']>

/** The scope for the commands of a context, by the context's name. */
export const writeScope = (context: string): Scope => `${context}:write`

const publishScope = (topic: string): Scope => `publish:${topic}`

/** The whole table with the names filled in. */
export const scopesOf = (names: { contexts: readonly string[]; topics: readonly string[] }): Scope[] =>
  scopeTable.flatMap(({ scope }) => {
    if (scope === '<context>:write') return names.contexts.map(writeScope)
    if (scope === 'publish:<topic>') return names.topics.map(publishScope)
    return [scope]
  })
