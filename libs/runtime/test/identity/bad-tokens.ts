import { createHmac, createPublicKey, createSign, generateKeyPairSync } from 'node:crypto'
import type { JWK } from 'jose'
import {
  AUDIENCE,
  goodClaims,
  makeKey,
  secondsNow,
  sign,
  signRaw,
  type SigningKey,
  type TokenParts,
} from './identity-fixture.ts'

export type Keys = { readonly es: SigningKey; readonly rs: SigningKey; readonly ed: SigningKey }

export const makeKeys = async (): Promise<Keys> => ({
  es: await makeKey('ES256', 'k-es'),
  rs: await makeKey('RS256', 'k-rs'),
  ed: await makeKey('EdDSA', 'k-ed'),
})

const weakPair = generateKeyPairSync('rsa', { modulusLength: 1_024 })
export const weakKey: JWK = { ...weakPair.publicKey.export({ format: 'jwk' }), kid: 'k-weak' }

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Header and payload as they are, with what `sign` makes of them. */
const assemble = (header: object, signed: (text: string) => string): string => {
  const text = `${base64url(header)}.${base64url(goodClaims())}`
  return `${text}.${signed(text)}`
}

const ES256 = { name: 'ECDSA', hash: 'SHA-256' }
const headText = '{"alg":"ES256","kid":"k-es","typ":"at+jwt"}'
const payloadText = (more = ''): string => JSON.stringify(goodClaims()).replace(/\}$/, `${more}}`)

const withoutClaim = (name: string) => ({ [name]: undefined })

type BadToken = { readonly reason: string; readonly make: (keys: Keys) => Promise<string> | string }

const es = (reason: string, parts: TokenParts): BadToken => ({ reason, make: (keys) => sign(keys.es, parts) })
const raw = (header: string, payload: string): BadToken => ({
  reason: 'malformed',
  make: (keys) => signRaw(keys.es, ES256, [header, payload]),
})
const changed = (reason: string, change: (token: string) => string): BadToken => ({
  reason,
  make: async (keys) => change(await sign(keys.es)),
})
const unsigned = (alg: string): BadToken => ({
  reason: 'algorithm',
  make: () => assemble({ alg, typ: 'at+jwt' }, () => 'AAAA'),
})

const confused: BadToken = {
  reason: 'algorithm',
  make: ({ rs }) => {
    const pem = createPublicKey({ key: rs.jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    return assemble({ alg: 'HS256', kid: rs.kid, typ: 'at+jwt' }, (text) =>
      createHmac('sha256', pem).update(text).digest('base64url'),
    )
  },
}
const weak: BadToken = {
  reason: 'key',
  make: () =>
    assemble({ alg: 'RS256', kid: 'k-weak', typ: 'at+jwt' }, (text) =>
      createSign('sha256').update(text).sign(weakPair.privateKey, 'base64url'),
    ),
}

/** By the number of the bad input. `attacker` is an address that must not be asked. */
export const badTokens = (attacker: string): Readonly<Record<string, BadToken>> => ({
  '2: alg none': unsigned('none'),
  '2: alg NoNe': unsigned('NoNe'),
  '2: alg nOnE': unsigned('nOnE'),
  '2: alg none and no signature': {
    reason: 'malformed',
    make: () => assemble({ alg: 'none', typ: 'at+jwt' }, () => ''),
  },
  '3: HS256 with the public key as secret': confused,
  '4: an algorithm that is not allowed': unsigned('PS256'),
  '5: an empty signature': changed('malformed', (token) => token.replace(/[^.]+$/, '')),
  '5: a truncated signature': changed('signature', (token) => token.slice(0, -8)),
  '5: a fourth part': changed('malformed', (token) => `${token}.AAAA`),
  '5: a JWE': changed('malformed', (token) => `${token}.AAAA.AAAA`),
  '5: another signature': changed('signature', (token) => token.replace(/[^.]+$/, 'A'.repeat(86))),
  '5: another payload': changed('signature', (token) =>
    token.replace(/\.[^.]+\./, `.${base64url({ ...goodClaims(), tenant: 'other' })}.`),
  ),
  '5: no base64url': changed('malformed', (token) => `${token}=`),
  '5: no token at all behind Bearer': { reason: 'malformed', make: () => '' },
  '6: a kid that is a path': es('key', { header: { kid: '../../dev/null' } }),
  '7: a kid with SQL': es('key', { header: { kid: "' OR 1=1 --" } }),
  '7: a kid with an operator': es('key', { header: { kid: '{"$ne":null}' } }),
  '7: a kid that is an object': raw('{"alg":"ES256","kid":{"$ne":1},"typ":"at+jwt"}', payloadText()),
  '7: a kid of 4 KB': es('malformed', { header: { kid: 'k'.repeat(4_096) } }),
  '7: a kid of 10 KB': es('malformed', { header: { kid: 'k'.repeat(10_240) } }),
  '8: jku': es('malformed', { header: { jku: attacker } }),
  '8: x5u': es('malformed', { header: { x5u: attacker } }),
  '8: jwk': { reason: 'malformed', make: ({ es: key }) => sign(key, { header: { jwk: key.jwk } }) },
  '8: x5c': es('malformed', { header: { x5c: ['MIIB'] } }),
  '11: expired by 61 s': es('expired', { claims: { exp: secondsNow() - 61 } }),
  '12: nbf in the future': es('claims', { claims: { nbf: secondsNow() + 120 } }),
  '12: iat in the future': es('claims', { claims: { iat: secondsNow() + 120 } }),
  '12: iat as text': es('claims', { claims: { iat: 'now' } }),
  '13: no exp': es('claims', { claims: withoutClaim('exp') }),
  '13: exp as text': es('claims', { claims: { exp: String(secondsNow() + 600) } }),
  '13: exp 1e400': {
    reason: 'claims',
    make: (keys) => signRaw(keys.es, ES256, [headText, payloadText().replace(/"exp":\d+/, '"exp":1e400')]),
  },
  '13: exp in milliseconds': es('claims', { claims: { exp: Date.now() + 600_000 } }),
  '13: a negative exp': es('expired', { claims: { exp: -1 } }),
  '14: another issuer': es('claims', { claims: { iss: 'https://other.example' } }),
  '14: no issuer': es('claims', { claims: withoutClaim('iss') }),
  '14: another audience': es('claims', { claims: { aud: 'other' } }),
  '14: audiences without us': es('claims', { claims: { aud: ['other', `${AUDIENCE}-2`] } }),
  '14: no audience': es('claims', { claims: withoutClaim('aud') }),
  '15: an id token': es('type', { header: { typ: 'JWT' } }),
  '15: a refresh token': es('type', { header: { typ: 'rt+jwt' } }),
  '15: no type': {
    reason: 'malformed',
    make: (keys) => signRaw(keys.es, ES256, ['{"alg":"ES256","kid":"k-es"}', payloadText()]),
  },
  '16: crit': raw('{"alg":"ES256","kid":"k-es","typ":"at+jwt","crit":["exp2"],"exp2":1}', payloadText()),
  '16: crit b64': raw('{"alg":"ES256","kid":"k-es","typ":"at+jwt","crit":["b64"],"b64":true}', payloadText()),
  '17: ES256 with r = s = 0': changed('signature', (token) =>
    token.replace(/[^.]+$/, Buffer.alloc(64).toString('base64url')),
  ),
  '18: a weak key of the provider': weak,
  '19: the tenant twice': raw(headText, payloadText(',"tenant":"other"')),
  '19: the tenant twice, once escaped': raw(headText, payloadText(String.raw`,"t\u0065nant":"other"`)),
  '19: a name twice further down': raw(headText, payloadText(',"act":[{"sub":"a","sub":"b"}]')),
  '19: the kid twice': raw('{"alg":"ES256","kid":"k-rs","kid":"k-es","typ":"at+jwt"}', payloadText()),
  '20: a token of 9 KB': es('malformed', { claims: { filler: 'x'.repeat(9_000) } }),
  '23: no tenant': es('claims', { claims: withoutClaim('tenant') }),
  '23: a list of tenants': es('claims', { claims: { tenant: ['acme'] } }),
  '23: an empty tenant': es('claims', { claims: { tenant: '' } }),
  '23: a tenant with a slash': es('claims', { claims: { tenant: 'acme/o-1' } }),
  '23: a tenant of 65 characters': es('claims', { claims: { tenant: 't'.repeat(65) } }),
  '23: a tenant that is a step in a path': es('claims', { claims: { tenant: '..' } }),
  '23: no sub': es('claims', { claims: withoutClaim('sub') }),
  '23: a sub with a line break': es('claims', { claims: { sub: 'a\nb' } }),
  '23: a sub of 256 characters': es('claims', { claims: { sub: 's'.repeat(256) } }),
  '23: a scope that is no text': es('claims', { claims: { scope: { orders: 'write' } } }),
  '24: a revoked jti': es('revoked', { claims: { jti: 'jti-revoked' } }),
  'a payload that is no JSON': raw(headText, 'tenant=acme'),
  'a payload that is a list': {
    reason: 'malformed',
    make: (keys) => signRaw(keys.es, ES256, [headText, '[]']),
  },
  'a payload that is not UTF-8': {
    reason: 'malformed',
    make: (keys) => signRaw(keys.es, ES256, [headText, Buffer.from(payloadText(',"name":"\xff"'), 'latin1')]),
  },
})
