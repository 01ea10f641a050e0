import type { Response } from 'express'
import type { Reply } from './route.ts'

export const sendReply = (response: Response, reply: Reply): void => {
  // Before anything of the reply is set: a value that is no JSON becomes an answer of its own.
  const payload = payloadOf(reply)
  response.status(reply.status)
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value)
  if (payload && !response.hasHeader('content-type')) response.setHeader('content-type', payload.type)
  response.end(payload?.text)
}

const payloadOf = ({ body, lines }: Reply): { type: string; text: string } | undefined => {
  if (lines) {
    return { type: 'application/x-ndjson', text: lines.map((line) => `${JSON.stringify(line)}\n`).join('') }
  }
  return body === undefined ? undefined : { type: 'application/json', text: JSON.stringify(body) }
}
