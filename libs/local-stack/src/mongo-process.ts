import { initiateReplicaSet } from '@millrace/mongo'
import { ensureMongod } from './download/mongod-download.ts'
import { LOOPBACK } from './free-port.ts'
import { retryOnTakenPort, superviseServer, type StackContext } from './stack-context.ts'
import type { StartedRole } from './stack-types.ts'
import { waitForTcp } from './wait-for-tcp.ts'

export const MONGO_SET_NAME = 'rs0'

export const startMongoProcess = async (context: StackContext): Promise<StartedRole> => {
  const mongod = await ensureMongod(context)
  const directory = await context.dataDir.subdirectory('mongo')
  return retryOnTakenPort(async (isRetry) => {
    const port = await context.ports.choose('mongo', isRetry)
    const host = `${LOOPBACK}:${port}`
    const server = await superviseServer(context, {
      role: 'mongo',
      name: 'MongoDB',
      command: mongod,
      args: mongodArgs({ directory, port, cacheGb: context.memory.mongoCacheGb }),
      cwd: directory,
      ready: async ({ signal }) => {
        await waitForTcp(LOOPBACK, port, signal)
        await initiateReplicaSet({ url: directMongoUrl(host), host, signal })
      },
    })
    return { url: mongoUrl(host), origin: 'process', stop: () => server.stop() }
  })
}

export const mongoUrl = (host: string): string => `mongodb://${host}/?replicaSet=${MONGO_SET_NAME}`

/** Before the set exists there is no primary to find, so the driver must not look for one. */
export const directMongoUrl = (host: string): string => `mongodb://${host}/?directConnection=true`

type MongodSettings = { readonly directory: string; readonly port: number; readonly cacheGb: number }

export const mongodArgs = ({ directory, port, cacheGb }: MongodSettings): string[] => [
  '--dbpath',
  directory,
  '--bind_ip',
  LOOPBACK,
  '--port',
  String(port),
  '--nounixsocket',
  '--replSet',
  MONGO_SET_NAME,
  '--wiredTigerCacheSizeGB',
  String(cacheGb),
]
