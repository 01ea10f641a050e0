import type { HeartbeatBody } from '@millrace/domain'
import type { KernelUnits, ProcessStat } from './process-table.ts'

/**
 * A process or host name as it can stand in a key and a URL: each character but letters, digits, `.`, `_`, `@` and
 * `-` becomes `_`. So `kworker/0:1-events` is known as `kworker_0_1-events`. Two names may meet in one; the pid
 * beside it in the key keeps their processes apart.
 */
export const mapName = (name: string): string => name.replaceAll(/[^A-Za-z0-9._@-]/g, '_').slice(0, 64) || '_'

type Seen = { readonly beat: number; readonly cpuTicks: number; readonly atMs: number }

const identityOf = ({ pid, startTicks }: ProcessStat): string => `${pid}@${startTicks}`

/**
 * Turns process tables, one after another, into heartbeats: `beat` counts how often this agent has seen the
 * process, `cpu` is the percentage of one core since the last beat (since its start for the first), `rss` is in bytes.
 */
export const makeHeartbeats = (host: string, units: KernelUnits) => {
  let seen = new Map<string, Seen>()

  const toHeartbeat = (stat: ProcessStat, atMs: number): HeartbeatBody => {
    const startedAt = Math.round(units.bootTimeMs + (stat.startTicks / units.ticksPerSecond) * 1000)
    const before = seen.get(identityOf(stat)) ?? { beat: 0, cpuTicks: 0, atMs: startedAt }
    const seconds = (atMs - before.atMs) / 1000
    const cpuSeconds = (stat.cpuTicks - before.cpuTicks) / units.ticksPerSecond
    const cpu = seconds > 0 ? Math.max(0, Math.round((cpuSeconds / seconds) * 10_000) / 100) : 0
    const rss = stat.rssPages * units.pageBytes
    return {
      host,
      name: mapName(stat.comm),
      pid: stat.pid,
      startedAt,
      at: atMs,
      beat: before.beat + 1,
      cpu,
      rss,
    }
  }

  return (table: readonly ProcessStat[], atMs: number): HeartbeatBody[] => {
    const beats = table.map((stat) => ({ stat, heartbeat: toHeartbeat(stat, atMs) }))
    seen = new Map(
      beats.map(({ stat, heartbeat }) => [
        identityOf(stat),
        { beat: heartbeat.beat, cpuTicks: stat.cpuTicks, atMs },
      ]),
    )
    return beats.map(({ heartbeat }) => heartbeat)
  }
}
