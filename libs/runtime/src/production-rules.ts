import type { EnvRule } from './read-config.ts'

const PASSWORDS_OF_MANUALS = [
  '',
  'password',
  'admin',
  'root',
  'mongo',
  'mongodb',
  'secret',
  'example',
  'changeme',
]

/** Password of a MongoDB URL, which may name several hosts; undefined when it has no user. */
const passwordIn = (url: string): string | undefined => {
  const userInfo = /^mongodb(?:\+srv)?:\/\/([^/?@]*)@/.exec(url)?.[1]
  if (userInfo === undefined) return undefined
  const [user = '', password = ''] = userInfo.split(':')
  return password === user ? '' : password
}

const mongoFaults = (url: string): string[] => {
  const password = passwordIn(url)
  return [
    ...(password !== undefined && PASSWORDS_OF_MANUALS.includes(password.toLowerCase())
      ? ['MONGO_URL: its password is empty or everybody knows it']
      : []),
    ...(/[?&](tlsInsecure|tlsAllowInvalid(Certificates|Hostnames))=true/i.test(url)
      ? ['MONGO_URL: must not switch the verification of certificates off']
      : []),
  ]
}

/** What no service does in production, whatever it serves. */
export const productionRules: EnvRule = (env) => {
  if (env['NODE_ENV'] !== 'production') return []
  const isUnverified = env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0'
  return [
    ...(isUnverified
      ? ['NODE_TLS_REJECT_UNAUTHORIZED: 0 switches the verification of certificates off']
      : []),
    ...mongoFaults(env['MONGO_URL'] ?? ''),
  ]
}
