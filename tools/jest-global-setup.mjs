import { startTestServers } from './test-servers.ts'

// Only Jest's global teardown can reach what its global setup made, and only through globalThis.
export default async () => {
  globalThis.millraceTestServers = await startTestServers()
}
