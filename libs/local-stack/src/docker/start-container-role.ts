/**
 * A role as a container. The container library also starts a reaper, which removes the containers when this
 * process is gone, however it ended; the engine itself starts a container again when its server dies. Data
 * lies in a named volume per data directory and role; an ephemeral stack has none.
 */
import { initiateReplicaSet } from '@millrace/mongo'
import { createWriteStream } from 'node:fs'
import type { StartedTestContainer } from 'testcontainers'
import { reasonOf } from '../error-code.ts'
import { LOOPBACK } from '../free-port.ts'
import { LocalStackError } from '../local-stack-error.ts'
import { directMongoUrl } from '../mongo-process.ts'
import { waitForRegistry } from '../registry-process.ts'
import { retryOnTakenPort, type StackContext } from '../stack-context.ts'
import type { Role, StartedRole } from '../stack-types.ts'
import { CONTAINER_SPECS, publishOnLoopback, type ContainerSpec } from './container-spec.ts'

const START_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 15_000

export const startContainerRole = (role: Role, context: StackContext): Promise<StartedRole> =>
  retryOnTakenPort(async (isRetry) => {
    const port = await context.ports.choose(role, isRetry)
    const spec = CONTAINER_SPECS[role]({ port, memory: context.memory })
    context.logger.info({ role, image: spec.image }, 'container starting')
    const container = await startContainer(role, spec, context)
    const stop = async (): Promise<void> => {
      const timeout = context.dataDir.isEphemeral ? 0 : STOP_TIMEOUT_MS
      await container.stop({ remove: true, removeVolumes: true, timeout }) // named volumes are not removed by this
    }
    try {
      await waitUntilReady(role, spec)
    } catch (error) {
      await stop()
      throw error
    }
    return { url: spec.url, origin: 'docker', stop }
  })

const startContainer = async (
  role: Role,
  spec: ContainerSpec,
  context: StackContext,
): Promise<StartedTestContainer> => {
  const container = await describeContainer(spec)
  const logFile = context.dataDir.logFile(role)
  container.withLogConsumer((stream) => void stream.pipe(createWriteStream(logFile, { flags: 'a' })))
  if (!context.dataDir.isEphemeral) {
    const source = `millrace-${await context.dataDir.volumeId()}-${role}`
    container.withBindMounts([{ source, target: spec.dataPath, mode: 'rw' }])
  }
  try {
    return await container.start()
  } catch (cause) {
    const reason = reasonOf(cause)
    throw new LocalStackError('server-failed', `The container of ${spec.image} did not start: ${reason}.`, {
      nextStep: `Its log is in ${logFile}. To do without Docker stop its engine; servers are then started as processes.`,
      cause,
    })
  }
}

const describeContainer = async (spec: ContainerSpec) => {
  const { GenericContainer, Wait } = await import('testcontainers')
  // The library has no setting for either, but hands its own to subclasses.
  class LocalContainer extends GenericContainer {
    protected override beforeContainerCreated(): Promise<void> {
      this.hostConfig.PortBindings = publishOnLoopback(spec)
      this.hostConfig.RestartPolicy = { Name: 'on-failure' }
      return Promise.resolve()
    }
  }
  const container = new LocalContainer(spec.image)
    .withExposedPorts({ container: spec.containerPort, host: spec.hostPort })
    .withEnvironment(spec.env)
    .withStartupTimeout(START_TIMEOUT_MS)
    .withWaitStrategy(Wait.forLogMessage(spec.readyLine))
  if (spec.command.length > 0) container.withCommand([...spec.command])
  if (spec.user !== null) container.withUser(spec.user)
  return container
}

const waitUntilReady = async (role: Role, spec: ContainerSpec): Promise<void> => {
  const host = `${LOOPBACK}:${spec.hostPort}`
  if (role === 'mongo') await initiateReplicaSet({ url: directMongoUrl(host), host })
  if (role === 'registry') await waitForRegistry(spec.url, AbortSignal.timeout(START_TIMEOUT_MS))
}
