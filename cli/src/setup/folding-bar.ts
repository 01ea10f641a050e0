import { startBar, type ProgressBar } from '../progress-bar.ts'
import type { OnFolded } from './build-inline-read-models.ts'

/** Shows itself once there is something to fold. */
export const foldingBar = (): { readonly onFolded: OnFolded; readonly stop: () => void } => {
  let bar: ProgressBar | undefined
  return {
    onFolded: ({ folded, total }) => {
      bar ??= startBar(total, 'commits')
      bar.update(folded)
    },
    stop: () => bar?.stop(),
  }
}
