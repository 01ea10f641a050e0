import { createLogger, type LogLevel, type Logger } from '../src/logger.ts'

export type LogLine = Readonly<Record<string, unknown>>

/** A real logger whose lines the test reads. */
export const recordingLogger = (level: LogLevel = 'debug'): { logger: Logger; lines: LogLine[] } => {
  const lines: LogLine[] = []
  const write = (text: string): void => void lines.push(JSON.parse(text) as LogLine)
  return { logger: createLogger({ service: 'test', level }, { write }), lines }
}
