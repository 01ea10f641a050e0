/**
 * A pid alone does not name a process: the system uses it again. A pid with the moment its process started
 * does, so everything that is recorded for a later kill is a pair of both, and is compared before the kill.
 * On Linux the moment is the boot id with the start in clock ticks since boot, read from /proc; on other
 * systems it is what `ps` prints. A zombie counts as gone: it holds a pid but runs nothing.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export type ProcessIdentity = { readonly pid: number; readonly startedAt: string }

type ProcStat = {
  readonly state: string
  readonly group: number
  readonly session: number
  readonly startTicks: string
}

/** The name in parentheses may itself hold spaces and parentheses, so fields are counted after the last one. */
export const parseProcStat = (stat: string): ProcStat | null => {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ')
  const [state, , group, session] = fields
  const startTicks = fields[19]
  if (!state || !group || !session || !startTicks) return null
  return { state, group: Number(group), session: Number(session), startTicks }
}

/** Null when no such process runs. */
export const identifyProcess = (pid: number): ProcessIdentity | null => {
  const startedAt = process.platform === 'linux' ? readProcStart(pid) : readPsStart(pid)
  return startedAt === null ? null : { pid, startedAt }
}

export const isSameProcess = (identity: ProcessIdentity): boolean =>
  identifyProcess(identity.pid)?.startedAt === identity.startedAt

/**
 * Does anything of the group led by this process still run? A leader with another start time means that the
 * pid was used again and the group is not ours. With the leader gone, its children count while they are in
 * the session it made.
 */
export const isGroupAlive = (leader: ProcessIdentity): boolean => {
  const current = identifyProcess(leader.pid)
  if (current !== null) return current.startedAt === leader.startedAt
  return process.platform === 'linux' ? hasSessionMembers(leader) : canSignalGroup(leader.pid)
}

const readProcStart = (pid: number): string | null => {
  const stat = readProcStat(String(pid))
  if (stat === null || stat.state === 'Z' || stat.state === 'X') return null
  return `${readBootId()}:${stat.startTicks}`
}

const readProcStat = (pid: string): ProcStat | null => {
  try {
    return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return null // the process ended between the listing and the read
  }
}

const readBootId = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return 'boot'
  }
}

const readPsStart = (pid: number): string | null => {
  try {
    const [state, ...start] = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { PATH: '/bin:/usr/bin', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .trim()
      .split(/\s+/)
    if (!state || state.startsWith('Z')) return null
    return start.join(' ')
  } catch {
    return null // ps exits with 1 when there is no such process
  }
}

const hasSessionMembers = (leader: ProcessIdentity): boolean =>
  readdirSync('/proc').some((entry) => {
    if (!/^\d+$/.test(entry)) return false
    const stat = readProcStat(entry)
    return stat?.group === leader.pid && stat.session === leader.pid && stat.state !== 'Z'
  })

const canSignalGroup = (pid: number): boolean => {
  try {
    return process.kill(-pid, 0)
  } catch {
    return false
  }
}
