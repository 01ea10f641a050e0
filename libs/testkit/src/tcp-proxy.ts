import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Between clients and a server that is to be taken away from them alone. */
export type TcpProxy = {
  /** Host and port. */
  readonly host: string
  /** Ends all connections and takes no new ones. */
  goDown(): void
  comeBack(): void
  close(): Promise<void>
}

/** Passes on what comes, in both directions. */
type Join = (client: Socket, server: Socket) => void

const pipeBoth: Join = (client, server) => {
  client.pipe(server)
  server.pipe(client)
}

export const startTcpProxy = async (
  target: { host: string; port: number },
  join: Join = pipeBoth,
): Promise<TcpProxy> => {
  const sockets = new Set<Socket>()
  let isDown = false
  const listener = createServer((client) => {
    if (isDown) return void client.destroy()
    const server = connect(target.port, target.host)
    track([client, server], sockets)
    join(client, server)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const cutAll = (): void => sockets.forEach((socket) => socket.destroy())
  return {
    host: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    goDown: () => {
      isDown = true
      cutAll()
    },
    comeBack: () => {
      isDown = false
    },
    close: async () => {
      const closed = once(listener, 'close')
      listener.close()
      cutAll()
      await closed
    },
  }
}

/** The two ends of a connection end together. */
const track = (pair: readonly Socket[], sockets: Set<Socket>): void => {
  for (const socket of pair) {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      pair.forEach((end) => end.destroy())
    })
  }
}
