import type { IncomingMessage } from 'node:http'
import { checkContentEncoding } from './content-type.ts'
import { problems, type ProblemError } from './problem.ts'

type Hold = (bytes: number) => ProblemError | undefined

const NOTHING = Buffer.alloc(0)

/**
 * The whole body, or a problem: 413 as soon as it is known to have more than `maxBytes`, without reading on, and 415
 * for a compressed one. Whoever sends too much does not get to send the rest: the connection ends with the answer.
 * `hold` is told of all bytes that come, and may refuse them.
 */
export const readBody = async (
  request: IncomingMessage,
  maxBytes: number,
  hold: Hold = () => undefined,
): Promise<Buffer> => {
  const { headers } = request
  const compressed = checkContentEncoding(headers['content-encoding'])
  if (compressed) throw compressed
  const announced = headers['content-length']
  if (announced === undefined && headers['transfer-encoding'] === undefined) return NOTHING
  if (Number(announced ?? 0) > maxBytes) throw tooLarge(maxBytes)
  return receive(request, maxBytes, hold)
}

/** By events: an iterator over the request takes several turns of the loop for the one chunk that most bodies are. */
const receive = (request: IncomingMessage, maxBytes: number, hold: Hold): Promise<Buffer> => {
  const received = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let bytes = 0
  const stop = (error: ProblemError): void => {
    // Not destroyed: its socket carries the answer.
    request.off('data', take).pause()
    received.reject(error)
  }
  const take = (chunk: Buffer): void => {
    bytes += chunk.length
    const refused = bytes > maxBytes ? tooLarge(maxBytes) : hold(chunk.length)
    if (refused) stop(refused)
    else chunks.push(chunk)
  }
  const cut = (): void => received.reject(problems.badRequest('the connection ended before the body did'))
  const finish = (): void => {
    request.off('close', cut)
    received.resolve(chunks.length === 1 ? (chunks[0] ?? NOTHING) : Buffer.concat(chunks))
  }
  request.on('data', take).once('end', finish).once('error', cut).once('close', cut)
  if (request.destroyed) cut()
  return received.promise
}

const tooLarge = (maxBytes: number): ProblemError =>
  problems.tooLarge(`the body may have at most ${maxBytes} bytes`, { headers: { connection: 'close' } })
