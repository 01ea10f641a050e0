import { afterEach, describe, expect, it } from '@jest/globals'
import { listen } from '../../src/http/listen.ts'
import { openDoor, openRaw, post, type TestDoor } from './http-fixture.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ close }) => close()))
})
const opened = async (routes: Parameters<typeof openDoor>[0]): Promise<TestDoor> => {
  const door = await openDoor(routes)
  open.push(door)
  return door
}

describe('listening', () => {
  it('on port 0 finds a free one and tells it', async () => {
    const door = await opened([post('/', () => ({ status: 204 }))])
    expect((await fetch(door.url, { method: 'POST' })).status).toBe(204)
  })

  it('on a port that is taken fails with what to do', async () => {
    const door = await opened([])
    const port = Number(new URL(door.url).port)
    await expect(listen(() => undefined, { host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
  })
})

describe('closing', () => {
  it('lets a running request finish, and then its connection, and accepts no other', async () => {
    const entered = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<void>()
    const door = await opened([
      post('/', async () => {
        entered.resolve()
        await finish.promise
        return { status: 200, body: 'done' }
      }),
    ])
    const raw = await openRaw(door.url)
    raw.socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n')
    await entered.promise
    const startedAt = performance.now()
    const closed = door.close()
    await expect(fetch(door.url, { method: 'POST' })).rejects.toThrow()
    finish.resolve()
    await closed
    expect(await raw.ended).toMatch(/^HTTP\/1\.1 200 [^]*"done"$/)
    // Not after the five seconds that an idle connection is kept.
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  })

  it('ends idle connections', async () => {
    const door = await opened([post('/', () => ({ status: 204 }))])
    const raw = await openRaw(door.url)
    raw.socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n')
    await new Promise((resolve) => raw.socket.once('data', resolve))
    await door.close()
    expect(await raw.ended).toMatch(/^HTTP\/1\.1 204 /)
  })
})
