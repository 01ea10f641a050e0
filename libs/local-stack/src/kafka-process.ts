import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureKafka } from './download/kafka-download.ts'
import { runTool } from './download/run-tool.ts'
import { LOOPBACK } from './free-port.ts'
import { findJava, javaArgs } from './java.ts'
import { formatProperties, makeKafkaProperties } from './kafka-properties.ts'
import { waitForLogLine } from './log-file.ts'
import { retryOnTakenPort, superviseServer, type StackContext } from './stack-context.ts'
import type { StartedRole } from './stack-types.ts'
import { waitForTcp } from './wait-for-tcp.ts'

const LOG_SETTINGS = `<Configuration>
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %c{1} %m%n"/></Console></Appenders>
  <Loggers><Root level="info"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
`

type KafkaInstall = { readonly java: string; readonly jars: string; readonly directory: string }

export const startKafkaProcess = async (context: StackContext): Promise<StartedRole> => {
  const [java, jars] = await Promise.all([findJava(context.env), ensureKafka(context)])
  const directory = await context.dataDir.subdirectory('kafka')
  const install = { java, jars, directory }
  await writeFile(join(directory, 'log4j2.xml'), LOG_SETTINGS)
  return retryOnTakenPort(async (isRetry) => {
    const port = await context.ports.choose('kafka', isRetry)
    await writeProperties(context, { directory, port, isRetry })
    await formatOnce(context, install)
    return startBroker(context, install, port)
  })
}

/** Paths are relative to the working directory: a comma in an absolute one would be read as two paths. */
const writeProperties = async (
  context: StackContext,
  { directory, port, isRetry }: { directory: string; port: number; isRetry: boolean },
): Promise<void> => {
  const listener = `${LOOPBACK}:${port}`
  const controller = `${LOOPBACK}:${await context.ports.choose('controller', isRetry)}`
  const properties = makeKafkaProperties({ listener, controller, advertised: listener }, 'data')
  await writeFile(join(directory, 'server.properties'), formatProperties(properties))
}

/** The marker is written last, so that a format that was cut off is done again. */
const formatOnce = async (context: StackContext, { java, jars, directory }: KafkaInstall): Promise<void> => {
  const marker = join(directory, 'formatted')
  if (existsSync(marker)) return
  const format = ['kafka.tools.StorageTool', 'format', '--ignore-formatted', '-t', makeClusterId()]
  await runTool({
    name: 'the Kafka storage tool',
    command: java,
    args: [...javaArgs({ maxMb: 256 }), '-cp', join(jars, '*'), ...format, '-c', 'server.properties'],
    cwd: directory,
    env: context.env,
    guards: context.guards,
    signal: context.signal,
  })
  await writeFile(marker, '')
}

/** 16 bytes in URL-safe base64, as Kafka writes ids; a leading dash would be read as an option. */
const makeClusterId = (): string => randomBytes(16).toString('base64url').replace(/^-/, 'A')

const startBroker = async (
  context: StackContext,
  install: KafkaInstall,
  port: number,
): Promise<StartedRole> => {
  const { kafkaMinMb, kafkaMaxMb } = context.memory
  const server = await superviseServer(context, {
    role: 'kafka',
    name: 'Kafka',
    command: install.java,
    args: [
      ...javaArgs({ minMb: kafkaMinMb, maxMb: kafkaMaxMb }),
      '-Dlog4j2.configurationFile=log4j2.xml',
      '-cp',
      join(install.jars, '*'),
      'kafka.Kafka',
      'server.properties',
    ],
    cwd: install.directory,
    ready: async ({ logStartByte, signal }) => {
      const file = context.dataDir.logFile('kafka')
      await waitForLogLine({ file, fromByte: logStartByte, pattern: /Kafka Server started/, signal })
      await waitForTcp(LOOPBACK, port, signal)
    },
  })
  return { url: `${LOOPBACK}:${port}`, origin: 'process', stop: () => server.stop() }
}
