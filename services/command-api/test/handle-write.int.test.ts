import { afterAll } from '@jest/globals'
import { mongoEventStore } from '@millrace/mongo'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { describeHandleWrite } from './handle-write-contract.ts'

let servers: TestServers | undefined

describeHandleWrite('MongoDB', async () => {
  servers = await prepareServers({ name: 'handle-write' })
  return mongoEventStore(servers.mongoConnection)
})

afterAll(() => servers?.stop())
