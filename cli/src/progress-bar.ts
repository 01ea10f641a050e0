import { SingleBar } from 'cli-progress'
import { showProgress } from './show-progress.ts'
import { count } from './words.ts'

export type ProgressBar = { update(done: number): void; stop(): void }

/** On stderr: gone once it is stopped, and a line now and then where that is no terminal. `unit` is a plural. */
export const startBar = (total: number, unit: string): ProgressBar => {
  if (process.stderr.isTTY !== true) return startLines(total, unit)
  const bar = new SingleBar({
    format: `{bar} {percentage}% | {value}/{total} ${unit} | {rate} ${unit}/s | {eta_formatted} left`,
    stream: process.stderr,
    noTTYOutput: false,
    // They come in bursts: a short memory would make the time left jump.
    etaBuffer: 2_000,
    hideCursor: true,
    clearOnComplete: true,
  })
  const startedAt = performance.now()
  bar.start(total, 0, { rate: 0 })
  return {
    update: (done) => bar.update(done, { rate: Math.round((done * 1000) / (performance.now() - startedAt)) }),
    stop: () => bar.stop(),
  }
}

const startLines = (total: number, unit: string): ProgressBar => {
  const shown = showProgress(unit)
  return {
    update: (done) => shown.show(done, total, `${count(done)} of ${count(total)}`),
    stop: shown.stop,
  }
}
