import { startMongoProxy, type MongoProxy } from '@millrace/testkit'
import { httpClient, type HttpClient } from '../../support/http-client.ts'
import {
  startServiceProcess,
  type ServiceProcess,
  type ServiceServers,
} from '../../support/service-process.ts'
import type { Sender } from './write-call.ts'

/** One command-api with a MongoDB that can be taken away from it alone; it may be killed and started again. */
export type Replica = Sender & {
  readonly proxy: MongoProxy
  process(): ServiceProcess
  /** Status of `/livez` and `/readyz`. */
  health(): Promise<readonly [live: number, ready: number]>
  kill(): Promise<void>
  startAgain(): Promise<void>
  stop(): Promise<void>
}

/** What waits for a server that was taken away gives up sooner than it would. */
const proxiedUrl = (proxy: MongoProxy): string =>
  `mongodb://${proxy.host}/?directConnection=true&serverSelectionTimeoutMS=2000`

export const startReplica = async (
  servers: ServiceServers,
  env: Readonly<Record<string, string>>,
): Promise<Replica> => {
  const { hostname, port } = new URL(servers.mongo)
  const proxy = await startMongoProxy({ host: hostname, port: Number(port) })
  let process: ServiceProcess
  let client: HttpClient
  const start = async (): Promise<void> => {
    process = await startServiceProcess('command-api', { ...servers, mongo: proxiedUrl(proxy) }, env)
    client = httpClient(process.url)
  }
  await start()
  const statusOf = async (path: string): Promise<number> => (await fetch(new URL(path, process.admin))).status
  return {
    proxy,
    process: () => process,
    send: ({ path, body, key, headers = {} }) =>
      client.send({
        method: 'POST',
        path,
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', 'idempotency-key': key, ...headers },
      }),
    health: async () => [await statusOf('/livez'), await statusOf('/readyz')],
    kill: () => process.kill(),
    startAgain: start,
    stop: async () => {
      await process.stop()
      await proxy.close()
    },
  }
}
