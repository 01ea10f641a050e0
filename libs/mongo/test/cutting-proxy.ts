import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Between a client and its server; cuts the connection at a named moment, and then again not. */
export type CuttingProxy = {
  readonly host: string
  /** Lets the next message that holds `text` through to the server and cuts before the client hears the answer. */
  cutAnswerTo(text: string): void
  /** From now on nothing answers here. */
  goDark(): void
  close(): Promise<void>
}

export const startCuttingProxy = async (target: { host: string; port: number }): Promise<CuttingProxy> => {
  const sockets = new Set<Socket>()
  let awaited: string | undefined
  let isDark = false

  const join = (client: Socket): void => {
    if (isDark) return void client.destroy()
    const server = connect(target.port, target.host)
    let isMute = false
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
    client.on('data', (chunk) => {
      if (awaited !== undefined && chunk.includes(awaited)) {
        awaited = undefined
        isMute = true
      }
      server.write(chunk)
    })
    // The answer proves that the server has done what the message asked.
    server.on('data', (chunk) => void (isMute ? client.destroy() : client.write(chunk)))
  }

  const listener = createServer(join)
  const listening = Promise.withResolvers<void>()
  listener.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  const destroyAll = (): void => sockets.forEach((socket) => socket.destroy())
  return {
    host: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    cutAnswerTo: (text) => {
      awaited = text
    },
    goDark: () => {
      isDark = true
      destroyAll()
    },
    close: () => {
      const closed = Promise.withResolvers<void>()
      listener.close(() => closed.resolve())
      destroyAll()
      return closed.promise
    },
  }
}
