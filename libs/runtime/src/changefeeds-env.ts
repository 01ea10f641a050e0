import { z } from 'zod'

/** What becomes of the documents of `source` goes to `topic`. */
export type ChangefeedRoute = { readonly source: string; readonly topic: string }

/** A read model by its name, or any collection of the read models' database. */
const SOURCE = /^(?:[a-z][a-z0-9-]*|collection:(?!system\.)[A-Za-z0-9_][A-Za-z0-9_.-]{0,199})$/
const TOPIC = /^[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.changed$/

/** Where a changefeed keeps its own books: it would publish what publishing changes, for ever. */
const OWN = ['changefeeds', 'changefeedShadows', 'leases'].map((name) => `collection:${name}`)

const faultOf = ({ source, topic }: ChangefeedRoute): string | undefined => {
  if (!SOURCE.test(source)) return `${JSON.stringify(source)} is no name of a read model, nor collection:NAME`
  if (OWN.includes(source)) return `${source} changes with everything that is published`
  if (!TOPIC.test(topic)) return `${JSON.stringify(topic)} is no name of a topic that ends in .changed`
  return undefined
}

const repeatedIn = (names: readonly string[]): string[] =>
  names.filter((name, index) => names.indexOf(name) !== index)

const parseRoutes = (list: string, context: z.RefinementCtx): readonly ChangefeedRoute[] => {
  const routes = list.split(',').map((entry) => {
    const [source = '', topic = '', ...rest] = entry.trim().split('=')
    return { source, topic: rest.length === 0 ? topic : '' }
  })
  // Two feeds of one topic would fence each other, and their ids would not rise.
  const repeated = [
    ...repeatedIn(routes.map(({ source }) => source)),
    ...repeatedIn(routes.map(({ topic }) => topic)),
  ]
  const faults = [
    ...routes.flatMap((route) => faultOf(route) ?? []),
    ...repeated.map((name) => `${name} is there twice`),
  ]
  for (const message of faults) context.addIssue({ code: 'custom', message: `SOURCE=TOPIC[,…]: ${message}` })
  return routes
}

/** For whoever runs changefeeds, and whoever makes their topics. */
export const changefeedsEnv = {
  CHANGEFEEDS: z.string().default('processes=processes.changed').transform(parseRoutes),
}
