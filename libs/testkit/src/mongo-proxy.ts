import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { commandOf, readMessages, type MongoCommand, type MongoMessage } from './mongo-message.ts'

/** A message that neither side gets before the test says so. */
export type HeldMessage = {
  release(): void
  /** Ends its connection instead: the message is lost. */
  cut(): void
}

/** Between one client and MongoDB. The client needs `directConnection=true`, or it goes round by the set's members. */
export type MongoProxy = {
  /** Host and port. */
  readonly host: string
  /**
   * Stops the next command that fits: `request` before the server has it, `reply` when the server has done it and the
   * client does not know yet. Resolves once it is held; other connections go on. `signal` ends the waiting for it.
   */
  hold(moment: 'request' | 'reply', wanted: MongoCommand, signal?: AbortSignal): Promise<HeldMessage>
  /** Stops reading in the middle of the next large command, and resolves; its client waits to write the rest. */
  choke(): Promise<void>
  /** Ends all connections and takes no new ones. */
  goDown(): void
  comeBack(): void
  close(): Promise<void>
}

/** What one read of a socket gives at most: https://github.com/nodejs/node/blob/main/src/stream_base.cc */
const READ_BYTES = 65_536

type Hold = {
  readonly moment: 'request' | 'reply'
  readonly wanted: MongoCommand
  readonly onHeld: (message: HeldMessage) => void
}

export const startMongoProxy = async (target: { host: string; port: number }): Promise<MongoProxy> => {
  const sockets = new Set<Socket>()
  const holds = new Set<Hold>()
  const chokes = new Set<() => void>()
  let isDown = false
  const listener = createServer((client) => {
    if (isDown) return void client.destroy()
    const server = connect(target.port, target.host)
    track([client, server], sockets)
    passOn({ client, server, holds })
    client.on('data', (chunk: Buffer) => {
      if (chokes.size === 0 || chunk.length < READ_BYTES) return
      client.pause()
      chokes.forEach((onChoked) => onChoked())
      chokes.clear()
    })
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const cutAll = (): void => sockets.forEach((socket) => socket.destroy())
  return {
    host: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    hold: (moment, wanted, signal) => {
      const held = Promise.withResolvers<HeldMessage>()
      const hold = { moment, wanted, onHeld: held.resolve }
      holds.add(hold)
      signal?.addEventListener('abort', () => holds.delete(hold))
      return held.promise
    },
    choke: () => new Promise((resolve) => void chokes.add(resolve)),
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

type Passage = { readonly client: Socket; readonly server: Socket; readonly holds: Set<Hold> }

const passOn = ({ client, server, holds }: Passage): void => {
  const toServer = makeLock(server)
  const toClient = makeLock(client)
  const awaited = new Map<number, Hold>()
  client.on(
    'data',
    readMessages((message) => {
      const hold = takeHold(holds, message)
      if (hold?.moment === 'request') hold.onHeld(toServer.shut())
      if (hold?.moment === 'reply') awaited.set(message.id, hold)
      toServer.pass(message.bytes)
    }),
  )
  server.on(
    'data',
    readMessages(({ answersTo, bytes }) => {
      awaited.get(answersTo)?.onHeld(toClient.shut())
      awaited.delete(answersTo)
      toClient.pass(bytes)
    }),
  )
}

const takeHold = (holds: Set<Hold>, message: MongoMessage): Hold | undefined => {
  const command = holds.size > 0 ? commandOf(message) : undefined
  const hold = command && [...holds].find(({ wanted }) => fits(command, wanted))
  if (hold) holds.delete(hold)
  return hold
}

const fits = (command: MongoCommand, { name, collection }: MongoCommand): boolean =>
  command.name === name && (collection === undefined || command.collection === collection)

/** One direction of a connection. Shut, it keeps what comes, in order. */
const makeLock = (to: Socket) => {
  let isShut = false
  const kept: Buffer[] = []
  return {
    pass: (bytes: Buffer): void => {
      if (isShut) kept.push(bytes)
      else to.write(bytes)
    },
    shut: (): HeldMessage => {
      isShut = true
      return {
        release: () => {
          isShut = false
          for (const bytes of kept.splice(0)) to.write(bytes)
        },
        cut: () => to.destroy(),
      }
    },
  }
}
