import { mongoReadModelStore } from '../src/read-model-store.ts'
import { openDatabase } from './mongo-fixture.ts'
import { readModelStoreContract } from './read-model-store-contract.ts'

readModelStoreContract('MongoDB', async () => {
  const { connection, drop } = await openDatabase('read-model-store')
  return { store: mongoReadModelStore(connection), close: drop }
})
