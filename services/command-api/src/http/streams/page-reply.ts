import type { Call, Reply } from '@millrace/runtime'
import type { EventView } from './event-view.ts'

export type Page = {
  readonly events: readonly EventView[]
  /** `from` of the next page; null when there is none. */
  readonly next: string | number | null
  /** Of a log, which always has a next page. */
  readonly caughtUp?: boolean
}

type PagedCall = Call<unknown, Readonly<Record<string, string | number | undefined>>>

/** A page ends with the event that reaches this, counted in Avro; as JSON it is two or three times as much. */
export const PAGE_BYTES = 4 * 1024 * 1024

const JSON_TYPE = 'application/json'
const NDJSON_TYPE = 'application/x-ndjson'

/** JSON, or an event a line for who prefers that: there the rest of the page is in the headers. */
export const pageReply = (call: PagedCall, page: Page): Reply => {
  const headers = { vary: 'Accept' }
  if (call.prefers([JSON_TYPE, NDJSON_TYPE]) !== NDJSON_TYPE) return { status: 200, headers, body: page }
  const { events, next, caughtUp } = page
  return {
    status: 200,
    headers: {
      ...headers,
      ...(next === null ? {} : { link: linkTo(call, next) }),
      ...(caughtUp === undefined ? {} : { 'caught-up': String(caughtUp) }),
    },
    lines: events,
  }
}

/** Relative to the request's own path, so it holds behind a proxy too. */
const linkTo = (call: PagedCall, next: string | number): string => {
  const query = Object.entries({ ...call.query, from: next }).map(([name, value]): [string, string] => [
    name,
    String(value),
  ])
  return `<?${new URLSearchParams(query).toString()}>; rel="next"`
}
