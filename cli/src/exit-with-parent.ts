// The child's side of tools/bootstrap/run-child.mjs. The bootstrap runs us with an IPC channel: it sends `stop` when
// it was told to end, and the channel closes when it dies without a word. Without a bootstrap nothing is watched.

const isStop = (message: unknown): boolean =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === 'stop'

/** Calls back once, when the process that runs us has ended or asks us to end. Does not keep us alive. */
export const onParentGone = (callback: () => void): void => {
  if (!process.send) return
  let isGone = false
  const gone = (): void => {
    if (isGone) return
    isGone = true
    callback()
  }
  process.once('disconnect', gone)
  process.on('message', (message) => {
    if (isStop(message)) gone()
  })
  process.channel?.unref()
  if (process.connected) process.send({ type: 'watching-parent' })
  else gone()
}
