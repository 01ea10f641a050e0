// What an operator does to a projection, over HTTP, with the patience of one: what is refused for now is asked again.

import { eventually } from '@millrace/testkit'
import type { HttpClient } from '../../support/http-client.ts'

type Report = {
  readonly state: string
  readonly startedAt: string
  readonly compared: number
  readonly events: number
  readonly different: number
  readonly unsettled: number
  readonly samples: readonly unknown[]
}
type Build = {
  readonly name: string
  readonly role: string
  readonly progress: { readonly remaining: number; readonly isCaughtUp: boolean } | null
  readonly comparison: Report | null
  readonly verification: Report | null
}
type State = { readonly served: string; readonly builds: readonly Build[] }

/** Faults and outages break comparisons off, again and again. */
const PATIENCE = { timeoutMs: 300_000, everyMs: 500 }
const JSON_TYPE = { 'content-type': 'application/json' }

const post = async (ops: HttpClient, path: string, body: object = {}): Promise<number> => {
  const request = { method: 'POST', path, headers: JSON_TYPE, body: JSON.stringify(body) }
  return (await ops.send(request)).status
}

const stateOf = async (ops: HttpClient, name: string): Promise<State> => {
  const { status, text } = await ops.send({ path: `/projections/${name}/state` })
  if (status !== 200) throw new Error(`the state of ${name} was answered with ${status}: ${text}`)
  return JSON.parse(text) as State
}

const nextOf = ({ builds }: State): Build | undefined => builds.find(({ role }) => role === 'next')

/** Nothing is known before it has ended; unsettled documents, or an outage, say nothing of the build. */
const isDecided = (report: Report | null | undefined): report is Report =>
  report?.state === 'equal' || (report?.different ?? 0) > 0

const isUnderWay = (report: Report | null | undefined): boolean => report?.state === 'running'

export type Served = { readonly name: string; readonly compared: number; readonly seconds: number }

/** The next step on the way from what is served to a new build of it. */
const goOn = async (ops: HttpClient, name: string, state: State): Promise<void> => {
  const next = nextOf(state)
  const path = `/projections/${name}`
  if (!next) return void (await post(ops, `${path}/rebuild`))
  if (next.comparison?.state === 'equal')
    return void (await post(ops, `${path}/switch`, { build: next.name }))
  if (next.progress?.isCaughtUp && !isUnderWay(next.comparison))
    await post(ops, `${path}/compare`, { full: true })
}

/** Builds it anew, compares it with what is served and with the log, and switches to it. */
export const rebuildAndSwitch = async (ops: HttpClient, name: string): Promise<Served> => {
  const startedAt = performance.now()
  const { served: before } = await stateOf(ops, name)
  let compared = 0
  const { served } = await eventually(
    async () => {
      const state = await stateOf(ops, name)
      compared = nextOf(state)?.comparison?.compared ?? compared
      if (state.served === before) await goOn(ops, name, state)
      return state
    },
    (state) => {
      const report = nextOf(state)?.comparison
      if (report && report.different > 0) throw new DifferentError(name, report)
      return state.served !== before
    },
    PATIENCE,
  )
  return { name: `${name}.${served}`, compared, seconds: (performance.now() - startedAt) / 1_000 }
}

class DifferentError extends Error {
  constructor(name: string, { different, samples }: Report) {
    super(`${name}: ${different} documents differ, as ${JSON.stringify(samples.slice(0, 2))}`)
    this.name = 'DifferentError'
  }
}

/** Compares what readers get with a fold of the whole log. */
export const verify = async (ops: HttpClient, name: string): Promise<Report> => {
  const since = new Date()
  const reportOf = async (): Promise<Report | null | undefined> => {
    const { builds } = await stateOf(ops, name)
    const found = builds.find(({ role }) => role === 'served')?.verification
    return found && new Date(found.startedAt) >= since ? found : null
  }
  return eventually(
    async () => {
      const report = await reportOf()
      if (!isDecided(report) && !isUnderWay(report))
        await post(ops, `/projections/${name}/verify`, { full: true })
      return report as Report
    },
    isDecided,
    PATIENCE,
  )
}
