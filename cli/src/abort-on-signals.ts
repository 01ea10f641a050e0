import { onParentGone } from './exit-with-parent.ts'

/** Fires on Ctrl-C, SIGTERM and the end of whatever runs us. */
export const abortOnSignals = (): AbortSignal => {
  const controller = new AbortController()
  process.once('SIGINT', () => controller.abort())
  process.once('SIGTERM', () => controller.abort())
  onParentGone(() => controller.abort())
  return controller.signal
}
