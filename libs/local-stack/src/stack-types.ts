export const ROLES = ['kafka', 'mongo', 'registry'] as const
export type Role = (typeof ROLES)[number]

export type Origin = 'url' | 'docker' | 'process'

export type Progress = {
  readonly step: string
  readonly done: number
  readonly total: number
  readonly unit: 'bytes' | 'files'
}
export type OnProgress = (progress: Progress) => void

type Log = (fields: object, message: string) => void
/** The part of a pino logger that is used here. */
export type StackLogger = {
  readonly debug: Log
  readonly info: Log
  readonly warn: Log
  readonly error: Log
}

export type Env = Readonly<Record<string, string | undefined>>

/** Whoever is told which process groups exist, so that they end with the process that started them. */
export type Guard = { guard(pid: number): void; release(pid: number): void }

export type Memory = {
  readonly kafkaMinMb: number
  readonly kafkaMaxMb: number
  readonly registryMaxMb: number
  readonly mongoCacheGb: number
}

export type ServerEvent =
  | {
      readonly type: 'exited'
      readonly role: Role
      readonly code: number | null
      readonly signal: string | null
      readonly restartInMs: number
    }
  | { readonly type: 'restarted'; readonly role: Role; readonly pid: number }

export type StartedRole = { readonly url: string; readonly origin: Origin; stop(): Promise<void> }
