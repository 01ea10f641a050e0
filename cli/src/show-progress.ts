import { SingleBar } from 'cli-progress'

/** What goes on elsewhere: its label is said once, then how far it is. */
export type ShownProgress = { show(done: number, total: number, text: string): void; stop(): void }

type Screen = { readonly isTTY?: boolean | undefined; write(text: string): unknown }

/** Without a terminal. */
const LINE_EVERY_MS = 5_000

/** On stderr: a bar where that is a terminal, gone once it is stopped; elsewhere a line now and then. */
export const showProgress = (label: string, screen: Screen = process.stderr): ShownProgress =>
  screen.isTTY === true ? showBar(label) : showLines(label, screen)

const showBar = (label: string): ShownProgress => {
  const bar = new SingleBar({
    format: `${label} {bar} {percentage}% | {text}`,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  })
  bar.start(1, 0, { text: '' })
  return {
    show: (done, total, text) => {
      bar.setTotal(Math.max(1, total))
      bar.update(Math.min(done, Math.max(1, total)), { text })
    },
    stop: () => bar.stop(),
  }
}

const showLines = (label: string, screen: Screen): ShownProgress => {
  let lastMs = Number.NEGATIVE_INFINITY
  return {
    show: (_done, _total, text) => {
      if (performance.now() < lastMs + LINE_EVERY_MS) return
      lastMs = performance.now()
      screen.write(`${label}: ${text}\n`)
    },
    stop: () => undefined,
  }
}
