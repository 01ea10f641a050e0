// Bad inputs that every service which listens has to bear, each with its answer. What only one service can be sent stands
// with that service's tests. Tokens of all kinds, and what a route makes of its own parameters, are tested elsewhere too:
// here a few of them show that the service has that door.

import { badBodies, unwantedBodies } from './bad-inputs/bad-bodies.ts'
import { badCallers, badClaims } from './bad-inputs/bad-callers.ts'
import type { BadInputs, Target } from './bad-inputs/bad-input.ts'
import { badMessages } from './bad-inputs/bad-messages.ts'

export const badInputs = (target: Target): BadInputs => ({
  ...badCallers(target),
  ...badClaims(target),
  ...badMessages(target),
  ...(target.write ? badBodies(target, target.write) : unwantedBodies(target)),
})
