/** An event that cannot follow what was folded before it. The log is wrong, so retrying never helps. */
export class ImpossibleEventError extends Error {
  override readonly name = 'ImpossibleEventError'
  readonly code = 'impossible-event'
  readonly eventType: string
  readonly before: string

  constructor(eventType: string, before: string) {
    super(`${eventType} cannot happen to what is ${before}`)
    this.eventType = eventType
    this.before = before
  }
}

export const impossible = (event: { readonly type: string }, before: string): never => {
  throw new ImpossibleEventError(event.type, before)
}
