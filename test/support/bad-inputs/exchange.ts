import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { HttpAnswer } from '../http-client.ts'
import type { RawRequest } from './bad-input.ts'

const END_OF_HEAD = '\r\n\r\n'

const parseHead = (head: string): Pick<HttpAnswer, 'status' | 'headers'> => {
  const [statusLine = '', ...lines] = head.split('\r\n')
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1] ?? Number.NaN),
    headers: Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
      }),
    ),
  }
}

/** Undefined as long as it is not all there. */
const parseAnswer = (received: string): HttpAnswer | undefined => {
  const end = received.indexOf(END_OF_HEAD)
  if (end < 0) return undefined
  const head = parseHead(received.slice(0, end))
  const text = received.slice(end + END_OF_HEAD.length)
  if (Buffer.byteLength(text) < Number(head.headers['content-length'] ?? 0)) return undefined
  return { ...head, text, json: () => JSON.parse(text) as Record<string, unknown> }
}

const pump = (socket: Socket, chunk: Buffer): void => {
  const more = (): void => {
    while (socket.writable && socket.write(chunk));
  }
  socket.on('drain', more)
  more()
}

export const openSocket = async (url: string): Promise<Socket> => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  // What was answered before the connection broke is what counts.
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** The answer on `socket`; when it says that the connection ends, after its end. Rejects when it ends without. */
export const answerOn = async (socket: Socket): Promise<HttpAnswer> => {
  let received = ''
  const settled = Promise.withResolvers<void>()
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
    const answer = parseAnswer(received)
    if (answer && answer.headers['connection'] !== 'close') settled.resolve()
  })
  socket.on('close', () => settled.resolve())
  await settled.promise
  const answer = parseAnswer(received)
  if (!answer) throw new Error(`the connection ended with ${JSON.stringify(received)}`)
  return answer
}

/** One request on a connection of its own. */
export const exchange = async (url: string, { bytes, endless }: RawRequest): Promise<HttpAnswer> => {
  const socket = await openSocket(url)
  try {
    const answer = answerOn(socket)
    socket.write(bytes)
    if (endless) pump(socket, endless)
    return await answer
  } finally {
    socket.destroy()
  }
}
