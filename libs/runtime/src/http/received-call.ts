import type { Request } from 'express'
import type { Principal } from '../identity/principal.ts'
import type { Deadline } from './deadline.ts'
import type { Input } from './read-input.ts'
import type { Call } from './route.ts'

type Received = Input & {
  readonly requestId: string
  readonly principal: Principal
  readonly rawBody: Buffer
}

/**
 * A request as its handler sees it. A class for the sake of `signal`: each object literal with an accessor is a shape of its
 * own to V8, and shapes live in the old generation, where they keep all that the accessor sees, the whole request, until
 * that is collected. It cost the door a quarter of its requests per second.
 */
export class ReceivedCall implements Call {
  readonly requestId: string
  readonly principal: Principal
  readonly path: string
  readonly params: Input['params']
  readonly query: Input['query']
  readonly headers: Input['headers']
  readonly body: unknown
  readonly rawBody: Buffer
  readonly header: Call['header']
  readonly prefers: Call['prefers']
  readonly #deadline: Deadline

  constructor(request: Request, deadline: Deadline, received: Received) {
    this.requestId = received.requestId
    this.principal = received.principal
    this.path = pathOf(request.originalUrl)
    this.params = received.params
    this.query = received.query
    this.headers = received.headers
    this.body = received.body
    this.rawBody = received.rawBody
    this.header = (name) => request.get(name)
    this.prefers = (types) => request.accepts([...types]) || undefined
    this.#deadline = deadline
  }

  get signal(): AbortSignal {
    return this.#deadline.signal
  }
}

const pathOf = (url: string): string => {
  const mark = url.indexOf('?')
  return mark < 0 ? url : url.slice(0, mark)
}
