// The last value of each key of a table. It is served from the changelog, which is a read model, so it is never older than
// that and is switched with it; what is more than the value is where it stands: by when it was so, and at which offset.

import { entryOf, tables, type AnyTable, type ChangelogDocument, type Document } from '@millrace/domain'
import { documentId, type FoundDocument, type ReadModels } from '@millrace/mongo'
import { defineRoute, problems, type Route, type TokenSigner } from '@millrace/runtime'
import { z } from 'zod'
import { goneProblem, makeCursors } from '../cursors.ts'
import { cursorParameter, limitParameter } from '../list-query.ts'
import { readServed, type Served, type ServedBuilds } from '../served-builds.ts'
import {
  freshHeader,
  freshnessOf,
  WAITING_DEADLINE_MS,
  waitParameters,
  type WaitForPosition,
} from '../wait-for-position.ts'
import { lateProblem } from '../waiting/late.ts'
import { cacheable, cacheableReply, conditional } from './cacheable.ts'
import { keyText } from './document-params.ts'

export type SnapDeps = {
  readonly documents: Pick<ReadModels, 'findOne' | 'list'>
  readonly builds: ServedBuilds
  readonly signer: TokenSigner
  readonly waitForPosition: WaitForPosition
}

const snapEntry = z
  .strictObject({
    _key: z.string(),
    doc: z.record(z.string(), z.unknown()).describe('The value, as it is on the topic.'),
    _ts: z.int().describe('The time of the table’s source by which it was so, UTC ms.'),
    _v: z.int().describe('Offset of the value in its partition of the topic.'),
  })
  .meta({ id: 'SnapEntry' })

const snapPage = z.strictObject({ items: z.array(snapEntry), next: z.string().nullable() })

const tableParameter = z
  .enum(tables.map(({ name }) => name))
  .default(tables[0].name)
  .describe('Whose values.')

const tableOf = (name: string): AnyTable => tables.find((table) => table.name === name) ?? tables[0]

const toEntry = ({ fields, sequence }: FoundDocument): z.output<typeof snapEntry> => {
  // Documents of a build are what its projection made.
  const { key, state, changedAt } = entryOf(fields as ChangelogDocument<Document>)
  return { _key: key, doc: state, _ts: changedAt, _v: sequence ?? 0 }
}

/** Of the build that readers get; 503 while that is of a version from before there was the table. */
const readChangelog = <T>(
  builds: ServedBuilds,
  { name, topic, changelog }: AnyTable,
  read: (served: Served) => Promise<T>,
): Promise<T> =>
  readServed(builds, changelog, async (served) => {
    if (served.projection.sources.some((source) => source === topic)) return read(served)
    throw problems.unavailable(
      `${changelog} is served in ${served.projection.version}, which is not made from ${topic}: ${name} has no values yet`,
      { headers: { 'retry-after': '30' } },
    )
  })

const oneRoute = ({ documents, builds, waitForPosition }: SnapDeps): Route =>
  defineRoute({
    method: 'get',
    path: '/snap/:key',
    operation: 'readSnap',
    summary: 'The last value of a key of a table',
    scope: 'read-models:read',
    deadlineMs: WAITING_DEADLINE_MS,
    params: z.strictObject({ key: keyText.describe('A slash in it is written as `%2F`.') }),
    query: z.strictObject({ table: tableParameter, ...waitParameters }),
    headers: conditional,
    replies: cacheableReply('The value, and where it stands', snapEntry, freshHeader),
    problems: { 404: 'There is no such key (yet), or it was forgotten.', 504: lateProblem },
    handle: async (call) => {
      const { key } = call.params
      const { tenant } = call.principal
      const table = tableOf(call.query.table)
      const arrive = waitForPosition(call)
      const found = await readChangelog(builds, table, async (served) => {
        await arrive(served, key)
        const document = await documents.findOne(served.build, { tenant, id: documentId({ tenant, key }) })
        if (document) return toEntry(document)
        throw problems.notFound(`${table.name} has no key ${JSON.stringify(key)}`)
      })
      return cacheable(call, found, freshnessOf(call.query))
    },
  })

/** The last document of a page. */
const listEnd = z.object({ id: z.string() })

const listRoute = ({ documents, builds, signer }: SnapDeps): Route => {
  const cursors = makeCursors(signer, listEnd)
  return defineRoute({
    method: 'get',
    path: '/snap',
    operation: 'listSnap',
    summary: 'The last values of the keys of a table, in the order of the keys, page by page',
    scope: 'read-models:read',
    query: z.strictObject({
      table: tableParameter,
      prefix: keyText.default('').describe('Only keys that begin with this text.'),
      limit: limitParameter('keys'),
      cursor: cursorParameter,
    }),
    headers: conditional,
    replies: cacheableReply('A page; `next` is the cursor of the one behind it', snapPage),
    problems: goneProblem,
    handle: async (call) => {
      const { tenant } = call.principal
      const { table: name, prefix, limit, cursor } = call.query
      const scope = { tenant, kind: 'snap', shape: JSON.stringify([name, prefix]) }
      const opened = cursors.open(scope, cursor)
      const body = await readChangelog(builds, tableOf(name), async ({ build }) => {
        const after = opened?.placeIn(build)
        const found = await documents.list({
          ...{ projection: build, tenant, keyPrefix: prefix, conditions: [], sort: undefined },
          // One more than asked for tells whether there is a next page.
          limit: limit + 1,
          ...(after ? { after: { value: null, id: after.id } } : {}),
        })
        const shown = found.slice(0, limit)
        const last = found.length > limit ? shown.at(-1) : undefined
        return { items: shown.map(toEntry), next: last ? cursors.next(scope, build, { id: last.id }) : null }
      })
      return cacheable(call, body)
    },
  })
}

export const snapRoutes = (deps: SnapDeps): Route[] => [listRoute(deps), oneRoute(deps)]
