import { mergePartials, type Document } from '@millrace/domain'
import { documentId } from '@millrace/mongo'
import type { FoundDocument, PageEnd, Partials, ReadModels } from '@millrace/mongo'
import type { FoldOnDemand } from './fold-on-demand.ts'
import type { Question } from './list-query.ts'
import type { Served } from './served-builds.ts'

export type PageQuery = {
  readonly tenant: string
  readonly question: Question
  readonly limit: number
  readonly after: PageEnd | undefined
  readonly nowMs: number
}

export type DocumentPage = {
  readonly items: readonly Document[]
  /** Where the next page begins; null when there is none. */
  readonly end: PageEnd | null
}

/** Documents as readers get them, of whichever kind the projection is. */
export type ReadDocuments = {
  one(served: Served, document: { tenant: string; key: string; nowMs: number }): Promise<Document | undefined>
  /** Of a grouped one by key only: its question is empty. */
  page(served: Served, query: PageQuery): Promise<DocumentPage>
}

/** Inline ones change with the commits, so they live with those. */
export type ReadModelStores = {
  readonly inline: ReadModels
  readonly others: ReadModels
  readonly onDemand: FoldOnDemand
}

export const makeReadDocuments = ({ inline, others, onDemand }: ReadModelStores): ReadDocuments => ({
  one: async ({ projection, build }, { tenant, key, nowMs }) => {
    if (projection.kind === 'on-demand') {
      const folded = await onDemand(projection, { tenant, key })
      return folded ? projection.view(folded, nowMs) : undefined
    }
    const readModels = projection.kind === 'inline' ? inline : others
    if (projection.kind === 'grouped') {
      const partials = await readModels.findPartials(build, { tenant, key })
      return partials && projection.view(whole({ projection }, partials), nowMs)
    }
    const found = await readModels.findOne(build, { tenant, id: documentId({ tenant, key }) })
    return found && projection.view(found.fields as Document, nowMs)
  },
  page: (served, query) =>
    served.projection.kind === 'grouped'
      ? pageOfKeys(others, served, query)
      : pageOfDocuments(served.projection.kind === 'inline' ? inline : others, served, query),
})

/** What the store has was made by this very projection. */
const whole = ({ projection }: Pick<Served, 'projection'>, partials: Partials): Document =>
  mergePartials(projection, partials as readonly [Document, ...Document[]])

const pageOfKeys = async (
  readModels: ReadModels,
  { projection, build }: Served,
  { tenant, limit, after, nowMs }: PageQuery,
): Promise<DocumentPage> => {
  const query = { projection: build, tenant, limit, ...(after ? { after: after.id } : {}) }
  const { items, end } = await readModels.listPartials(query, (partials) =>
    projection.view(whole({ projection }, partials), nowMs),
  )
  return { items, end: end === null ? null : { value: null, id: end } }
}

const pageOfDocuments = async (
  readModels: ReadModels,
  { projection, build }: Served,
  { tenant, question, limit, after, nowMs }: PageQuery,
): Promise<DocumentPage> => {
  const found = await readModels.list({
    ...{ projection: build, tenant, ...question },
    // One more than asked for tells whether there is a next page.
    limit: limit + 1,
    ...(after ? { after } : {}),
  })
  const shown = found.slice(0, limit)
  const last = found.length > limit ? shown.at(-1) : undefined
  return {
    items: shown.map(({ fields }) => projection.view(fields as Document, nowMs)),
    end: last ? endOf(last, question.sort?.field) : null,
  }
}

const endOf = ({ id, fields }: FoundDocument, sortField: string | undefined): PageEnd => ({
  id,
  value: sortField === undefined ? null : sortValueOf(fields, sortField),
})

/** A declared field path: `placedAt`, or one level down as `total.amount`. */
const sortValueOf = (fields: FoundDocument['fields'], path: string): PageEnd['value'] => {
  const value = path
    .split('.')
    .reduce<unknown>(
      (within, name) =>
        typeof within === 'object' && within !== null ? (within as Record<string, unknown>)[name] : undefined,
      fields,
    )
  return typeof value === 'string' || typeof value === 'number' ? value : null
}
