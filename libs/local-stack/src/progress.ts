import { MultiBar, type SingleBar } from 'cli-progress'
import type { OnProgress, Progress } from './stack-types.ts'

export type ProgressRenderer = { readonly onProgress: OnProgress; stop(): void }

type Screen = NodeJS.WritableStream & { readonly isTTY?: boolean }

/** Bars on a terminal; elsewhere (CI logs) one line per step and quarter. Write it to stderr. */
export const renderProgress = (screen: Screen): ProgressRenderer =>
  screen.isTTY ? renderBars(screen) : renderLines((line) => void screen.write(`${line}\n`))

export const formatAmount = ({ done, total, unit }: Progress): string =>
  unit === 'bytes' ? `${toMb(done)}/${toMb(total)} MB` : `${done}/${total} files`

const toMb = (bytes: number): string => String(Math.floor(bytes / 1e6))

export const renderLines = (writeLine: (line: string) => void): ProgressRenderer => {
  const quarters = new Map<string, number>()
  return {
    onProgress(progress) {
      const quarter = Math.floor((4 * progress.done) / Math.max(1, progress.total))
      if (quarter <= (quarters.get(progress.step) ?? -1)) return
      quarters.set(progress.step, quarter)
      writeLine(`${progress.step}: ${formatAmount(progress)}`)
    },
    stop() {},
  }
}

const renderBars = (screen: NodeJS.WritableStream): ProgressRenderer => {
  const bars = new MultiBar({
    stream: screen,
    format: '{step} [{bar}] {amount}',
    hideCursor: true,
    clearOnComplete: false,
    gracefulExit: false, // Ctrl-C is the caller's
  })
  const bySteps = new Map<string, SingleBar>()
  return {
    onProgress(progress) {
      const payload = { step: progress.step, amount: formatAmount(progress) }
      const bar = bySteps.get(progress.step) ?? bars.create(progress.total, 0, payload)
      bySteps.set(progress.step, bar)
      bar.update(progress.done, payload)
    },
    stop: () => bars.stop(),
  }
}
