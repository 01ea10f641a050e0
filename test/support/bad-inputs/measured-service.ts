import { startServiceProcess, type ServiceProcess, type ServiceServers } from '../service-process.ts'

/** What a service says of itself on its admin port. */
export type Vitals = {
  /** Longest time that the event loop was blocked since this was asked last. */
  readonly longestBlockMs: number
  readonly rssBytes: number
  /** Refused before they were requests, by status. */
  readonly refused: Readonly<Record<string, number>>
}

/** The delay that is measured has the interval in it at which it is measured. */
const SAMPLED_EVERY_MS = 10

const valueOf = (text: string, name: string): number =>
  Number(new RegExp(String.raw`^${name}(?:\{[^}]*\})? (\S+)$`, 'm').exec(text)?.[1])

const refusedIn = (text: string): Record<string, number> =>
  Object.fromEntries(
    [...text.matchAll(/^millrace_http_connections_refused_total\{.*?status="(\d+)".*?\} (\d+)$/gm)].map(
      ([, status = '', count]) => [status, Number(count)],
    ),
  )

export type MeasuredService = ServiceProcess & {
  vitals(): Promise<Vitals>
  livez(): Promise<number>
  /** Resolves when the loop has gone round often enough to be measured from now on. */
  goesRound(): Promise<void>
}

export const startMeasured = async (
  name: string,
  servers: ServiceServers,
  env: Readonly<Record<string, string>>,
): Promise<MeasuredService> => {
  const service = await startServiceProcess(name, servers, env)
  const livez = async (): Promise<number> => {
    const response = await fetch(`${service.admin}/livez`)
    await response.arrayBuffer()
    return response.status
  }
  return {
    ...service,
    livez,
    vitals: async () => {
      const text = await (await fetch(`${service.admin}/metrics`)).text()
      const lagMs = 1_000 * valueOf(text, 'nodejs_eventloop_lag_max_seconds')
      return {
        longestBlockMs: Math.max(0, lagMs - SAMPLED_EVERY_MS),
        rssBytes: valueOf(text, 'process_resident_memory_bytes'),
        refused: refusedIn(text),
      }
    },
    goesRound: async () => {
      const until = performance.now() + 2 * SAMPLED_EVERY_MS
      while (performance.now() < until) await livez()
    },
  }
}
