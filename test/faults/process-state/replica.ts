import {
  startServiceProcess,
  type ServiceProcess,
  type ServiceServers,
} from '../../support/service-process.ts'

/** One process of a service, which may be killed and started again. */
export type Replica = {
  process(): ServiceProcess
  startAgain(): Promise<void>
}

/** A service of which two replicas run. */
export type Pair = {
  readonly service: string
  /** The topic that has more when it has worked. */
  readonly output: string
  readonly replicas: readonly [Replica, Replica]
}

type Settings = Readonly<Record<string, string>>
type Works = Pick<Pair, 'service' | 'output'>

const startReplica = async (
  service: string,
  servers: ServiceServers,
  settings: Settings,
): Promise<Replica> => {
  const start = (): Promise<ServiceProcess> => startServiceProcess(service, servers, settings)
  let process = await start()
  return {
    process: () => process,
    startAgain: async () => {
      process = await start()
    },
  }
}

export const startPair = async (
  { service, output }: Works,
  servers: ServiceServers,
  settings: Settings,
): Promise<Pair> => {
  const start = (): Promise<Replica> => startReplica(service, servers, settings)
  return { service, output, replicas: await Promise.all([start(), start()]) }
}

export const stopPair = async ({ replicas }: Pair): Promise<void> =>
  void (await Promise.all(replicas.map(({ process }) => process().stop())))

/** What those have said that have ended by themselves. */
export const endings = ({ service, replicas }: Pair): string[] =>
  replicas
    .filter(({ process }) => !process().isAlive())
    .map(({ process }) => `a ${service} ended: ${JSON.stringify(process().log().slice(-3))}`)

export const countLines = ({ process }: Replica, message: string): number =>
  process()
    .log()
    .filter(({ msg }) => msg === message).length
