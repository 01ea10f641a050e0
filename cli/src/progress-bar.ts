import { SingleBar } from 'cli-progress'

export type ProgressBar = { update(done: number): void; stop(): void }

/** On stderr, and only where that is a terminal; gone once it is stopped. `unit` is a plural. */
export const startBar = (total: number, unit: string): ProgressBar => {
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
