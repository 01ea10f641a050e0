/**
 * A consumer as a whole, as told by the group and by kafkajs:
 *
 *   starting     connecting and joining for the first time
 *   running      member of the group; one lane per assigned partition
 *   rebalancing  the group shares out its partitions again; there are no lanes until it has
 *   restarting   kafkajs gave up for now and will start over by itself; there are no lanes
 *   stopping     stop() was called: lanes finish what they have in hand
 *   stopped      left the group
 *   crashed      kafkajs gave up for good: the process should end, another one will take over
 *
 * stopping, stopped and crashed are never left for a state before them, and a consumer that is leaving cannot crash.
 */
export type ConsumerPhase =
  | { readonly type: 'starting' }
  | { readonly type: 'running'; readonly generation: number }
  | { readonly type: 'rebalancing' }
  | { readonly type: 'restarting'; readonly error: string }
  | { readonly type: 'stopping' }
  | { readonly type: 'stopped' }
  | { readonly type: 'crashed'; readonly error: string }

export type ConsumerState = ConsumerPhase & { readonly sinceMs: number }

export type ConsumerInput =
  | { readonly type: 'joined'; readonly generation: number }
  | { readonly type: 'rebalancing' }
  | { readonly type: 'crashed'; readonly error: string; readonly willRestart: boolean }
  | { readonly type: 'stop' }
  | { readonly type: 'stopped' }

const phaseAfter = (input: ConsumerInput): ConsumerPhase => {
  switch (input.type) {
    case 'joined':
      return { type: 'running', generation: input.generation }
    case 'rebalancing':
      return { type: 'rebalancing' }
    case 'crashed':
      return { type: input.willRestart ? 'restarting' : 'crashed', error: input.error }
    case 'stop':
      return { type: 'stopping' }
    case 'stopped':
      return { type: 'stopped' }
  }
}

const isAllowed = (state: ConsumerState, input: ConsumerInput): boolean => {
  switch (state.type) {
    case 'stopping':
      return input.type === 'stopped'
    case 'stopped':
      return false
    case 'crashed':
      return input.type === 'stop'
    case 'starting':
    case 'running':
    case 'rebalancing':
    case 'restarting':
      return true
  }
}

export const stepConsumer = (state: ConsumerState, input: ConsumerInput, nowMs: number): ConsumerState =>
  isAllowed(state, input) ? { ...phaseAfter(input), sinceMs: nowMs } : state
