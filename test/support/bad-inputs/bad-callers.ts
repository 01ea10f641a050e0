import { bearer, bytesOf, type BadInput, type BadInputs, type Target } from './bad-input.ts'
import { OTHER_TENANT } from './tokens.ts'

/** In headers and queries that must not be logged. */
export const CANARY = 'canary-of-a-password'

const INVALID = { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }
const NOBODY = { status: 401, headers: { 'www-authenticate': 'Bearer' } }

/** 1-24: who are you? */
export const badCallers = ({ tokens, read: { path } }: Target): BadInputs => {
  const authorization = `Authorization: Bearer ${tokens.good}`
  return {
    '1: no token': { send: { path }, answer: NOBODY },
    '1: no token for a path that is none': { send: { path: '/nothing' }, answer: NOBODY },
    '1: another scheme': {
      send: { path, headers: { authorization: `Basic ${Buffer.from(CANARY).toString('base64')}` } },
      answer: NOBODY,
    },
    ...Object.fromEntries(
      Object.entries(tokens.bad).map(([name, token]): [string, BadInput] => [
        name.replace(': ', ': a token '),
        { send: { path, headers: bearer(token) }, answer: INVALID },
      ]),
    ),
    '20: a token of 64 KB': {
      send: { bytes: bytesOf([`GET ${path} HTTP/1.1`, 'Host: x', `${authorization}${'x'.repeat(65_536)}`]) },
      answer: { status: 431, headers: { connection: 'close' } },
    },
    '20: a token of 10 KB': {
      send: { path, headers: bearer(`${tokens.good}${'x'.repeat(10_240)}`) },
      answer: INVALID,
    },
    '21: two Authorization headers': {
      send: { bytes: bytesOf([`GET ${path} HTTP/1.1`, 'Host: x', authorization, authorization]) },
      answer: { status: 400, detail: /authorization/i },
    },
    '22: a token in the query': {
      send: { path: `${path}?access_token=${tokens.good}&token=${tokens.good}&password=${CANARY}` },
      answer: NOBODY,
    },
  }
}

const lacking = (scope: string) => ({
  status: 403,
  headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
})

/** 27, 29: what may you? */
export const badClaims = ({ tokens, read, write }: Target): BadInputs => ({
  '27: X-Tenant-Id of another tenant': {
    send: { path: read.path, headers: { ...bearer(tokens.good), 'x-tenant-id': OTHER_TENANT } },
    answer: { status: 403, detail: /X-Tenant-Id/ },
  },
  '27: X-Tenant-Id of both tenants': {
    send: { path: read.path, headers: { ...bearer(tokens.good), 'x-tenant-id': `acme, ${OTHER_TENANT}` } },
    answer: { status: 403 },
  },
  '29: a read without its scope': {
    send: { path: read.path, headers: bearer(tokens.powerless) },
    answer: lacking(read.scope),
  },
  ...(write
    ? {
        '29: a write without its scope': {
          send: {
            method: 'POST',
            path: write.path,
            headers: { ...write.headers, ...bearer(tokens.powerless) },
            body: write.body,
          },
          answer: lacking(write.scope),
        },
      }
    : {}),
})
