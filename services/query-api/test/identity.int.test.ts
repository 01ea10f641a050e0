import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'

const JWT_SECRET = 'canary-of-a-shared-secret-of-many-bytes'
const PRODUCTION = {
  NODE_ENV: 'production',
  HOST: '0.0.0.0',
  LOG_LEVEL: 'debug',
  JWT_SECRET,
  JWT_ISSUER: 'https://issuer.example',
  JWT_AUDIENCE: 'millrace',
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const tokenOf = (tenant: string): string => {
  const claims = { iss: 'https://issuer.example', aud: 'millrace', sub: 'u', exp: Date.now() / 1000 + 600 }
  const scope = 'read-models:read'
  const text = `${base64url({ alg: 'HS256', typ: 'at+jwt' })}.${base64url({ ...claims, tenant, scope })}`
  return `${text}.${createHmac('sha256', JWT_SECRET).update(text).digest('base64url')}`
}

describe('query-api in production', () => {
  let servers: TestServers
  let service: ServiceProcess

  beforeAll(async () => {
    servers = await prepareServers({ name: 'query-api-identity' })
    service = await startServiceProcess('query-api', servers, PRODUCTION)
  })
  afterAll(async () => {
    await service.stop()
    await servers.stop()
  })

  const statusWith = async (headers: Record<string, string>): Promise<number> => {
    const { port } = new URL(service.url)
    return (await fetch(`http://127.0.0.1:${port}/read-models`, { headers })).status
  }

  it('asks everybody for a token, also on its own machine', async () => {
    const token = tokenOf('acme')
    expect([
      await statusWith({}),
      await statusWith({ authorization: `Bearer ${token}` }),
      await statusWith({ authorization: `Bearer ${token}x` }),
    ]).toEqual([401, 200, 401])
  })

  it('113: shows no secret and no token in its log or its metrics', async () => {
    const token = tokenOf('canary')
    await statusWith({ authorization: `Bearer ${token}` })
    await statusWith({ authorization: `Bearer ${token}x` })
    const { port } = new URL(service.admin)
    const shown = await Promise.all(
      ['/metrics', '/readyz', '/livez'].map(async (path) =>
        (await fetch(`http://127.0.0.1:${port}${path}`)).text(),
      ),
    )
    expect(shown.join()).toMatch(
      /millrace_identity_verifications_total\{outcome="signature",service="query-api"\} [12]/,
    )
    const everything = [...shown, JSON.stringify(service.log())].join()
    expect(everything).toContain('token refused')
    expect(everything).not.toContain(JWT_SECRET)
    expect(everything).not.toContain(token.split('.')[2])
  })

  it.each([
    ['no identity provider', { JWT_SECRET: '', JWT_ISSUER: '', JWT_AUDIENCE: '' }],
    ['a secret of a development run', { TOKEN_SECRET: `dev-only-${'x'.repeat(40)}` }],
    ['a development token', { DEV_TOKEN: 'a-development-token' }],
  ])('112: does not start with %s: 78', async (_, env) => {
    await expect(startServiceProcess('query-api', servers, { ...PRODUCTION, ...env })).rejects.toThrow(
      /code 78/,
    )
  })
})
