import { pino, type DestinationStream } from 'pino'

type Fields = object

/** The part of pino that the libraries use; a constant message, everything variable in the fields. */
export type Logger = {
  debug(fields: Fields, message: string): void
  info(fields: Fields, message: string): void
  warn(fields: Fields, message: string): void
  error(fields: Fields, message: string): void
  child(fields: Fields): Logger
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Fields that are never written, by themselves or one level down; the last are variables of the environment. */
const SECRETS = ['token', 'authorization', 'secret', 'TOKEN_SECRET', 'JWT_SECRET', 'DEV_TOKEN', 'MONGO_URL']

/** JSON lines on stdout (or `destination`); errors with message, code, stack and causes. */
export const createLogger = (
  options: { service: string; level: LogLevel },
  destination?: DestinationStream,
): Logger => {
  const settings = {
    level: options.level,
    base: { service: options.service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: SECRETS.flatMap((name) => [name, `*.${name}`]),
      censor: '[redacted]',
    },
  }
  return destination ? pino(settings, destination) : pino(settings)
}

const ignore = (): void => undefined

/** For tests and for callers that do not care. */
export const silentLogger: Logger = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  child: () => silentLogger,
}
