import type { IncomingMessage } from 'node:http'
import { problems, type ProblemError } from './problem.ts'

/**
 * The whole body, or a problem: 413 as soon as it is known to have more than `maxBytes`, without reading on, and 415
 * for a compressed one. Whoever sends too much does not get to send the rest: the connection ends with the answer.
 */
export const readBody = async (request: IncomingMessage, maxBytes: number): Promise<Buffer> => {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw problems.unsupportedMediaType('compressed bodies are not accepted')
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of chunksOf(request)) {
    bytes += chunk.length
    if (bytes > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Leaving the loop must not destroy the request: its socket carries the answer. */
async function* chunksOf(request: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) yield chunk as Buffer
  } catch {
    throw problems.badRequest('the connection ended before the body did')
  }
}

const tooLarge = (maxBytes: number): ProblemError =>
  problems.tooLarge(`the body may have at most ${maxBytes} bytes`, { headers: { connection: 'close' } })
