// Every service's HTTP API against its own OpenAPI document, by Schemathesis: requests that fit the schemas and requests
// that just do not. No answer may be a 5xx or one that the document does not announce, and nobody may die of it.

import { contexts } from '@millrace/domain'
import { topicNames } from '@millrace/events'
import { scopesOf } from '@millrace/runtime'
import { startTestServers } from '../../tools/test-servers.ts'
import { startOwnServer } from '../support/own-server.ts'
import { startServiceProcess, type ServiceProcess } from '../support/service-process.ts'
import { IDENTITY_ENV, signedToken } from '../support/signed-token.ts'
import { prepareServers } from '../support/test-servers.ts'
import { writeKnownData, type KnownData } from './door/known-data.ts'
import { runSchemathesis } from './door/schemathesis.ts'

const ENV = {
  ...IDENTITY_ENV,
  // Requests without a token, and with bad ones, are part of it.
  AUTH_FAILURES_BURST: '100000',
  AUTH_FAILURES_PER_MINUTE: '1000000',
}

const faultsAfter = async (service: ServiceProcess): Promise<string[]> => {
  if (!service.isAlive()) return ['the process has ended']
  const { status } = await fetch(`${service.admin}/readyz`)
  const failures = service.log().filter(({ level }) => level === 'error')
  return [
    ...(status === 200 ? [] : [`it is not ready any more: ${status}`]),
    ...failures.map((line) => `logged: ${JSON.stringify(line)}`),
  ]
}

type Bounds = { readonly examples: number; readonly seed: number }

export const doorCampaign = async (bounds: Bounds, print: (line: string) => void): Promise<boolean> => {
  const shared = await startTestServers()
  // Of its own: the projector takes all that is there for its own.
  const kafka = await startOwnServer('kafka')
  const servers = await prepareServers({ name: 'door', kafka: kafka.url })
  const start = (name: string, env = {}): Promise<ServiceProcess> => startServiceProcess(name, servers, env)
  const [commandApi, queryApi, projector] = await Promise.all([
    start('command-api', ENV),
    start('query-api', ENV),
    start('projector'),
  ])
  const token = signedToken(scopesOf({ contexts: contexts.map(({ name }) => name), topics: topicNames }))

  const fuzz = async (name: string, service: ServiceProcess, known: KnownData): Promise<boolean> => {
    const { held, report } = await runSchemathesis({ url: service.url, token, known, ...bounds })
    print(report.trimEnd())
    const faults = await faultsAfter(service)
    for (const fault of faults) print(`  ${name}: ${fault}`)
    print(`${name}: ${held && faults.length === 0 ? 'held' : 'BROKEN'} with seed ${bounds.seed}`)
    return held && faults.length === 0
  }

  try {
    const known = await writeKnownData({ commandApi: commandApi.url, queryApi: queryApi.url, token })
    const writing = await fuzz('command-api', commandApi, known)
    const reading = await fuzz('query-api', queryApi, known)
    return writing && reading
  } finally {
    await Promise.all([commandApi, queryApi, projector].map((service) => service.stop()))
    await servers.stop()
    await kafka.stop()
    await shared.stop()
  }
}
