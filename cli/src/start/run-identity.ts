import type { Config } from '../config.ts'
import type { DevSecrets } from './dev-secrets.ts'

/** Who may call the services of a development run. */
export type RunIdentity =
  /** Whoever is on this machine; elsewhere the token is asked for. */
  | { readonly type: 'development'; readonly token: string }
  /** Callers with a token of the user's identity provider; ours, if the user has given us one. */
  | { readonly type: 'provider'; readonly token: string | undefined }

/** The services refuse a development token beside a provider, so it is one or the other. */
export const identityOfRun = (config: Config, { token }: DevSecrets): RunIdentity =>
  config.JWKS_URL === undefined && config.JWT_SECRET === undefined
    ? { type: 'development', token }
    : { type: 'provider', token: config.MILLRACE_TOKEN }
