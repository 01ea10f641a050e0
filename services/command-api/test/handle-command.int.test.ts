import { afterAll } from '@jest/globals'
import { mongoEventStore } from '@millrace/mongo'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { describeHandleCommand } from './handle-command-contract.ts'

let servers: TestServers | undefined

describeHandleCommand('MongoDB', async () => {
  servers = await prepareServers({ name: 'handle-command' })
  return mongoEventStore(servers.mongoConnection)
})

afterAll(() => servers?.stop())
