import { describe, expect, it } from '@jest/globals'
import { contexts } from '@millrace/domain'
import { createTokenSigner } from '@millrace/runtime'
import { makeInMemoryCodec } from '@millrace/events'
import { streamRoutes } from '../src/http/streams/stream-routes.ts'

/** First segments of the routes that stand beside `/:aggregates/:id/:command`. */
const RESERVED = ['streams', 'categories', 'types', 'snapshots', 'heartbeats', 'publish', 'openapi.json']

const unused = (): never => {
  throw new Error('not asked for')
}

describe('the paths of the event store', () => {
  it('are those of no context: its commands could not be reached', () => {
    expect(contexts.map(({ path }) => path).filter((path) => RESERVED.includes(path))).toEqual([])
  })

  it('are all reserved', async () => {
    const routes = streamRoutes({
      streams: { read: unused, facts: unused },
      log: { read: unused },
      codec: await makeInMemoryCodec(),
      signer: createTokenSigner('s'.repeat(32)),
    })
    expect(routes.length).toBeGreaterThan(0)
    for (const { path } of routes) expect(RESERVED).toContain(path.split('/')[1])
  })
})
