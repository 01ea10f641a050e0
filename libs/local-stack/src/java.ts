import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { LocalStackError } from './local-stack-error.ts'
import type { Env } from './stack-types.ts'

const MIN_JAVA = 17
const INSTALL =
  'Install a Java runtime 17 or newer (Debian, Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17) ' +
  'or set JAVA_HOME; or give KAFKA_BROKERS and SCHEMA_REGISTRY_URL; or start Docker.'

/** The first compiler only: Kafka starts a third faster and spends less time on compiling than it would win. */
const FAST_START = ['-XX:TieredStopAtLevel=1', '-Xshare:auto', '-XX:+ExitOnOutOfMemoryError']

export const javaArgs = (heap: { minMb?: number; maxMb: number }): string[] => [
  ...(heap.minMb === undefined ? [] : [`-Xms${heap.minMb}m`]),
  `-Xmx${heap.maxMb}m`,
  ...FAST_START,
]

/** The command, once it has said that it is new enough. */
export const findJava = async (env: Env): Promise<string> => {
  const command = env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java'
  const output = await readVersion(command, env)
  const major = parseJavaMajor(output)
  if (major === null || major >= MIN_JAVA) return command
  throw new LocalStackError(
    'java-too-old',
    `${command} is Java ${major}; Kafka needs ${MIN_JAVA} or newer.`,
    {
      nextStep: INSTALL,
    },
  )
}

/** `1.8.0_392` is Java 8; null when the output is of an unknown shape. */
export const parseJavaMajor = (versionOutput: string): number | null => {
  const match = /version "(?:1\.)?(\d+)/.exec(versionOutput)
  return match ? Number(match[1]) : null
}

const readVersion = async (command: string, env: Env): Promise<string> => {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, ['-version'], { env, timeout: 20_000 })
    return stderr + stdout
  } catch (cause) {
    throw new LocalStackError('java-missing', `Java was not found (tried ${command}).`, {
      nextStep: INSTALL,
      cause,
    })
  }
}
