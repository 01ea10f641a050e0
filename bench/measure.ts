import type { BenchServers } from './servers.ts'

/** One answered question. `ratio` = rate / calibration, bigger is better; the line that counts is `main`. */
export type BenchLine = {
  readonly name: string
  readonly question: string
  /** Operations in one round. */
  readonly n: number
  /** Median over the rounds. */
  readonly seconds: number
  /** Operations per second, from the median. */
  readonly rate: number
  readonly calibration: number
  readonly ratio: number
  /** What the calibration does. */
  readonly of: string
  /** Latencies of ours: medians over the rounds. */
  readonly p50Ms?: number
  readonly p99Ms?: number
  /** Of all rounds. */
  readonly maxMs?: number
  /** Resident memory of the process of ours, at the end. */
  readonly rssMiB?: number
}

export type BenchSettings = {
  readonly rounds: number
  readonly n: number | undefined
  /** None: all but those that take very long. For `project`, `rebuild` and `query`. */
  readonly questions: readonly string[]
}

export type Bench = (servers: BenchServers, settings: BenchSettings) => Promise<BenchLine[]>

/** Runs once and says how long the measured part took, in seconds. */
export type Measured = (round: number) => Promise<number>

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

export const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}

/** All in turn, so that a machine that slows down slows every one of them; one round of each to warm up. */
export const measureInTurn = async <Name extends string>(
  measured: Readonly<Record<Name, Measured>>,
  rounds: number,
): Promise<Record<Name, number>> => {
  const names = Object.keys(measured) as Name[]
  const seconds = new Map(names.map((name): [Name, number[]] => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const took = await measured[name](round)
      if (round > 0) seconds.get(name)?.push(took)
    }
  }
  return Object.fromEntries([...seconds].map(([name, all]) => [name, median(all)])) as Record<Name, number>
}

export const compare = (ours: Measured, calibration: Measured, rounds: number) =>
  measureInTurn({ ours, calibration }, rounds)

export const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN

export const toLine = (
  about: Omit<BenchLine, 'seconds' | 'rate' | 'calibration' | 'ratio'>,
  seconds: { ours: number; calibration: number },
): BenchLine => ({
  ...about,
  seconds: seconds.ours,
  rate: about.n / seconds.ours,
  calibration: about.n / seconds.calibration,
  ratio: seconds.calibration / seconds.ours,
})

/** Keeps `width` calls of `work` under way until all `n` are done. */
export const inFlight = async (
  n: number,
  width: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> => {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < n) await work(next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
}
