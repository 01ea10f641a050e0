import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import { ProblemError } from '../../src/http/problem.ts'
import { refuseForeignTenant, requireScope } from '../../src/identity/authorize.ts'
import { allows, EVERY_SCOPE, type Principal } from '../../src/identity/principal.ts'

const withScopes = (...scopes: string[]): Principal => ({ id: 'u', tenant: 'acme', scopes: new Set(scopes) })
const problemOf = (run: () => void): unknown => {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof ProblemError) return error.problem
    throw error
  }
}

describe('a scope', () => {
  it('is allowed to whoever has exactly it', () => {
    const principal = withScopes('orders:write', 'publish:orders')
    expect(allows(principal, 'orders:write')).toBe(true)
    expect(allows(principal, 'catalog:write')).toBe(false)
    expect(allows(principal, 'publish:orders-secret')).toBe(false)
  })

  it.each(['*', '', 'ops:*', 'ops', 'OPS:WRITE', 'all', '<context>:write', 'has'])(
    'is not allowed by one that looks like more: %j',
    (scope) => {
      expect(allows(withScopes(scope), 'ops:write')).toBe(false)
    },
  )

  it('is allowed to the developer, whichever it is', () => {
    expect(allows({ id: 'dev', tenant: 'demo', scopes: EVERY_SCOPE }, 'dlq:replay')).toBe(true)
    expect(allows({ id: 'dev', tenant: 'demo', scopes: new Set(EVERY_SCOPE) }, 'dlq:replay')).toBe(false)
  })

  it('that is missing is named: 403', () => {
    expect(problemOf(() => requireScope(withScopes('orders:read'), 'orders:write'))).toMatchObject({
      status: 403,
      headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="orders:write"' },
    })
    expect(problemOf(() => requireScope(withScopes('orders:write'), 'orders:write'))).toBeUndefined()
  })
})

describe('X-Tenant-Id', () => {
  const naming = (tenant?: string): IncomingMessage =>
    ({ headers: tenant === undefined ? {} : { 'x-tenant-id': tenant } }) as unknown as IncomingMessage
  const refused = (tenant?: string) => problemOf(() => refuseForeignTenant(naming(tenant), withScopes()))

  it.each([undefined, 'acme'])('may name the tenant of the token, or nobody: %s', (tenant) => {
    expect(refused(tenant)).toBeUndefined()
  })

  it.each(['other', '', 'ACME', 'acme, other', 'acme, acme'])(
    '27: may not name another one: %j',
    (tenant) => {
      expect(refused(tenant)).toMatchObject({ status: 403 })
    },
  )
})
