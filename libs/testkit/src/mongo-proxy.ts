import type { Socket } from 'node:net'
import { commandOf, readMessages, type MongoCommand, type MongoMessage } from './mongo-message.ts'
import { faultReply, type MongoFault } from './mongo-reply.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** A message that neither side gets before the test says so. */
export type HeldMessage = {
  release(): void
  /** Ends its connection instead: the message is lost. */
  cut(): void
}

/** Faults that are told in the place of answers. */
export type ToldFaults = {
  /** How many were told. */
  count(): number
}

/** Between one client and MongoDB. The client needs `directConnection=true`, or it goes round by the set's members. */
export type MongoProxy = TcpProxy & {
  /**
   * Stops the next command that fits: `request` before the server has it, `reply` when the server has done it and the
   * client does not know yet. Resolves once it is held; other connections go on. `signal` ends the waiting for it.
   */
  hold(moment: 'request' | 'reply', wanted: MongoCommand, signal?: AbortSignal): Promise<HeldMessage>
  /**
   * Tells this fault to the next commands that fit, so many `times`: `request` before the server has them, which never
   * gets them, `reply` when it has done them.
   */
  fail(moment: 'request' | 'reply', wanted: MongoCommand, fault: MongoFault & { times: number }): ToldFaults
  /** Stops reading in the middle of the next large command, and resolves; its client waits to write the rest. */
  choke(): Promise<void>
}

/** What one read of a socket gives at most: https://github.com/nodejs/node/blob/main/src/stream_base.cc */
const READ_BYTES = 65_536

type Trap = {
  readonly moment: 'request' | 'reply'
  readonly wanted: MongoCommand
  /** How many commands it still takes. */
  left: number
  /** What happens to a message: it is shut off, or replaced by a reply to the client. */
  readonly onMet:
    | { readonly type: 'hold'; readonly onHeld: (message: HeldMessage) => void }
    | { readonly type: 'fail'; readonly fault: MongoFault; told: number }
}

export const startMongoProxy = async (target: { host: string; port: number }): Promise<MongoProxy> => {
  const traps = new Set<Trap>()
  const chokes = new Set<() => void>()
  const proxy = await startTcpProxy(target, (client, server) => {
    passOn({ client, server, traps })
    chokeOn(client, chokes)
  })
  return {
    ...proxy,
    hold: (moment, wanted, signal) => {
      const held = Promise.withResolvers<HeldMessage>()
      const trap: Trap = { moment, wanted, left: 1, onMet: { type: 'hold', onHeld: held.resolve } }
      traps.add(trap)
      signal?.addEventListener('abort', () => traps.delete(trap))
      return held.promise
    },
    fail: (moment, wanted, { times, ...fault }) => {
      const onMet = { type: 'fail' as const, fault, told: 0 }
      traps.add({ moment, wanted, left: times, onMet })
      return { count: () => onMet.told }
    },
    choke: () => new Promise((resolve) => void chokes.add(resolve)),
  }
}

const chokeOn = (client: Socket, chokes: Set<() => void>): void => {
  client.on('data', (chunk: Buffer) => {
    if (chokes.size === 0 || chunk.length < READ_BYTES) return
    client.pause()
    chokes.forEach((onChoked) => onChoked())
    chokes.clear()
  })
}

type Passage = { readonly client: Socket; readonly server: Socket; readonly traps: Set<Trap> }

const passOn = ({ client, server, traps }: Passage): void => {
  const toServer = makeLock(server)
  const toClient = makeLock(client)
  const awaited = new Map<number, Trap>()
  client.on(
    'data',
    readMessages((message) => {
      const trap = takeTrap(traps, message)
      if (trap?.moment === 'reply') awaited.set(message.id, trap)
      const atOnce = trap?.moment === 'request' ? trap.onMet : undefined
      if (atOnce?.type === 'fail') return toClient.pass(told(atOnce, message.id))
      if (atOnce?.type === 'hold') atOnce.onHeld(toServer.shut())
      toServer.pass(message.bytes)
    }),
  )
  server.on(
    'data',
    readMessages(({ answersTo, bytes }) => {
      const onMet = awaited.get(answersTo)?.onMet
      awaited.delete(answersTo)
      if (onMet?.type === 'hold') onMet.onHeld(toClient.shut())
      toClient.pass(onMet?.type === 'fail' ? told(onMet, answersTo) : bytes)
    }),
  )
}

const told = (failing: Extract<Trap['onMet'], { type: 'fail' }>, answersTo: number): Buffer => {
  failing.told += 1
  return faultReply(answersTo, failing.fault)
}

const takeTrap = (traps: Set<Trap>, message: MongoMessage): Trap | undefined => {
  const command = traps.size > 0 ? commandOf(message) : undefined
  const trap = command && [...traps].find(({ wanted }) => fits(command, wanted))
  if (trap && --trap.left === 0) traps.delete(trap)
  return trap
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
