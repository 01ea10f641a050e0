import { createServer, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Build, Progress, Projection, Report } from '../src/ops/ops-views.ts'

export const progressOf = (more: Partial<Progress> = {}): Progress => ({
  ...{ applied: 100, total: 100, remaining: 0, lagSeconds: null, isCaughtUp: true, rate: 50, etaSeconds: 0 },
  ...{ parked: 0, late: 0 },
  partitions: [
    { topic: 'orders.order.events', partition: 0, nextOffset: 100, endOffset: 100, stopped: null },
  ],
  ...more,
})

export const reportOf = (more: Partial<Report> = {}): Report => ({
  ...{ state: 'equal', against: 'order-summary.v1', startedAt: '2026-01-01T00:00:00.000Z', endedAt: null },
  ...{ compared: 10, total: 10, events: 20, different: 0, unexpected: 0, unsettled: 0, isCutShort: false },
  ...{ parked: 0, byField: [], samples: [], logShare: '1/16', error: null },
  ...more,
})

export const buildOf = (name: string, role: Build['role'], more: Partial<Build> = {}): Build => ({
  ...{ name, version: 'v1', role, isToBeServed: false, startedAt: '2026-01-01T00:00:00.000Z' },
  ...{ progress: progressOf(), comparison: null, verification: null, check: null },
  ...more,
})

export const projectionOf = (more: Partial<Projection> = {}): Projection => ({
  ...{ name: 'order-summary', kind: 'per-aggregate', version: 'v1', sources: ['orders.order.events'] },
  ...{ isVerifiable: true, isPaused: false, served: 'v1', previous: null, switchingTo: null },
  builds: [buildOf('v1', 'served')],
  ...more,
})

export type Answer = { readonly status?: number; readonly body: unknown }

/** By `GET /projections`; a list gives its next answer each time, and then the last one. */
export type Answers = Record<string, Answer | readonly Answer[]>

export type FakeOps = {
  readonly url: string
  readonly asked: { readonly route: string; readonly body: unknown; readonly token: string | undefined }[]
  close(): Promise<void>
}

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return text === '' ? undefined : JSON.parse(text)
}

/** An ops that answers as a test says. */
export const startFakeOps = async (answers: Answers): Promise<FakeOps> => {
  const asked: FakeOps['asked'] = []
  const given = new Map<string, number>()
  const answerTo = (route: string): Answer => {
    const found = answers[route] ?? { status: 404, body: { detail: `no ${route}` } }
    if (!Array.isArray(found)) return found as Answer
    const index = Math.min(given.get(route) ?? 0, found.length - 1)
    given.set(route, index + 1)
    return found[index] as Answer
  }
  const server = createServer((request, response) => {
    const route = `${request.method} ${request.url}`
    void bodyOf(request).then((body) => {
      asked.push({ route, body, token: request.headers.authorization })
      const answer = answerTo(route)
      response.statusCode = answer.status ?? 200
      response.end(JSON.stringify(answer.body))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
