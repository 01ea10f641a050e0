import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { throwIfAborted } from './local-stack-error.ts'

const POLL_MS = 40

export const canConnect = (host: string, port: number, timeoutMs = 1_000): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const finish = (isOpen: boolean): void => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', () => finish(true))
    socket.once('timeout', () => finish(false))
    socket.once('error', () => finish(false))
  })

export const waitForTcp = async (host: string, port: number, signal: AbortSignal): Promise<void> => {
  while (!(await canConnect(host, port))) {
    throwIfAborted(signal)
    await sleep(POLL_MS)
  }
}
