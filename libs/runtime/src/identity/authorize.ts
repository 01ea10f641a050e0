import type { IncomingMessage } from 'node:http'
import { problems } from '../http/problem.ts'
import { allows, type Principal } from './principal.ts'
import type { Scope } from './scopes.ts'

/** 403 with the scope that is missing (RFC 6750). */
export const requireScope = (principal: Principal, scope: Scope): void => {
  if (allows(principal, scope)) return
  throw problems.forbidden(`this needs the scope ${scope}`, {
    headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
  })
}

/** The tenant is the token's. Who names another one in `X-Tenant-Id` is mistaken about what would happen: 403. */
export const refuseForeignTenant = (request: IncomingMessage, principal: Principal): void => {
  const named = request.headers['x-tenant-id']
  if (named === undefined || named === principal.tenant) return
  throw problems.forbidden('X-Tenant-Id is not the tenant of the token')
}
