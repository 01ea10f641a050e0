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
}

export type BenchSettings = { readonly rounds: number; readonly n: number | undefined }

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

/** Ours and the calibration in turn, so that a machine that slows down slows both; one round of each to warm up. */
export const compare = async (ours: Measured, calibration: Measured, rounds: number) => {
  const seconds = { ours: [] as number[], calibration: [] as number[] }
  for (let round = 0; round <= rounds; round++) {
    const a = await ours(round)
    const b = await calibration(round)
    if (round === 0) continue
    seconds.ours.push(a)
    seconds.calibration.push(b)
  }
  return { ours: median(seconds.ours), calibration: median(seconds.calibration) }
}

export const toLine = (
  about: Pick<BenchLine, 'name' | 'question' | 'n' | 'of'>,
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
