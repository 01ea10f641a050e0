import { doorEnv, identityEnv, readConfig } from '@millrace/runtime'
import { SignJWT } from 'jose'
import { z } from 'zod'

const JWT_SECRET = 'a secret of the bench, known to all'

/** A provider with a shared secret; and no limit that a bench would meet. */
export const doorEnvironment = {
  RATE_LIMIT_PER_SECOND: '1000000',
  HOST: '127.0.0.1',
  JWT_SECRET,
  JWT_ISSUER: 'https://issuer.test',
  JWT_AUDIENCE: 'millrace',
  TOKEN_SECRET: 'x'.repeat(32),
}

export const doorConfig = readConfig(
  z.object({ HOST: z.string(), ...identityEnv, ...doorEnv }),
  doorEnvironment,
)

/** Good for an hour. */
export const signToken = (subject: string): Promise<string> =>
  new SignJWT({ tenant: 'demo', scope: 'orders:write read-models:read' })
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
    .setSubject(subject)
    .setIssuer('https://issuer.test')
    .setAudience('millrace')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(JWT_SECRET))
