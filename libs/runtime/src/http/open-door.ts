import type { RequestListener } from 'node:http'
import { makeIdentify } from '../identity/identify.ts'
import type { IdentityConfig } from '../identity/provider.ts'
import type { OpenApiDocument } from '../openapi/document.ts'
import type { ServiceContext } from '../run-service.ts'
import { createDoor, MAX_BODY_BYTES } from './door.ts'
import { doorLimits, type DoorConfig } from './door-limits.ts'
import { keepRequestsYoung } from './keep-requests-young.ts'
import type { SocketLimits } from './listen.ts'
import type { Route } from './route.ts'

export type OpenedDoor = {
  readonly handler: RequestListener
  readonly sockets: SocketLimits
  /** Throws until callers can be told apart, for readiness. */
  ready(): Promise<void>
}

type Behind = { readonly routes: readonly Route[]; readonly document: OpenApiDocument }

/** The door of a service in front of its routes, with identity and limits as its environment says. */
export const openDoor = (
  { config, logger, metrics, onStop }: Omit<ServiceContext<IdentityConfig & DoorConfig>, 'fail'>,
  behind: Behind,
): OpenedDoor => {
  keepRequestsYoung()
  const identity = makeIdentify(config, { logger, metrics })
  onStop('identity', () => Promise.resolve(identity.close()))
  const { sockets, ...limits } = doorLimits(config)
  const isProduction = config.NODE_ENV === 'production'
  const { identify, ready } = identity
  return {
    handler: createDoor({ ...behind, identify, limits, isProduction, logger, metrics }),
    sockets: { ...sockets, maxBodyBytes: MAX_BODY_BYTES },
    ready,
  }
}
