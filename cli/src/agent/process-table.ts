import { readFile, readdir } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'

/** One process as the kernel tells it. Times in clock ticks, as /proc has them. */
export type ProcessStat = {
  readonly pid: number
  /** As the kernel has it: up to 15 characters, any of them, `/` included. */
  readonly comm: string
  /** One of the kernel's own: nobody runs it, and its name is what it works on at the moment. */
  readonly isKernelThread: boolean
  readonly cpuTicks: number
  readonly startTicks: number
  readonly rssPages: number
}

/** What turns ticks and pages into times and bytes on this machine. */
export type KernelUnits = {
  readonly bootTimeMs: number
  readonly ticksPerSecond: number
  readonly pageBytes: number
}

// Fields of proc_pid_stat(5), counted from the one behind the closing bracket of comm (which may hold anything).
const FLAGS = 6
const UTIME = 11
const STIME = 12
const STARTTIME = 19
const RSS = 21
/** PF_KTHREAD of the kernel's include/linux/sched.h. */
const KERNEL_THREAD = 0x0020_0000

export const parseStat = (text: string): ProcessStat | undefined => {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return undefined
  const fields = text.slice(close + 2).split(' ')
  const numberAt = (index: number): number => Number(fields[index] ?? Number.NaN)
  const stat = {
    pid: Number(text.slice(0, open)),
    comm: text.slice(open + 1, close),
    cpuTicks: numberAt(UTIME) + numberAt(STIME),
    startTicks: numberAt(STARTTIME),
    rssPages: numberAt(RSS),
  }
  const isKernelThread = (numberAt(FLAGS) & KERNEL_THREAD) !== 0
  return Object.values(stat).some(Number.isNaN) ? undefined : { ...stat, isKernelThread }
}

const setting = (name: string): number => Number(execFileSync('getconf', [name], { encoding: 'utf8' }))

export const readKernelUnits = async (): Promise<KernelUnits> => {
  const bootTime = /^btime (\d+)$/m.exec(await readFile('/proc/stat', 'utf8'))?.[1]
  return {
    bootTimeMs: Number(bootTime) * 1000,
    ticksPerSecond: setting('CLK_TCK'),
    pageBytes: setting('PAGESIZE'),
  }
}

/** Every process there is right now, but for the kernel's own; one that ends while being read is left out. */
export const readProcessTable = async (): Promise<ProcessStat[]> => {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const stats = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
      return parseStat(text)
    }),
  )
  return stats.filter((stat) => stat !== undefined).filter(({ isKernelThread }) => !isKernelThread)
}
