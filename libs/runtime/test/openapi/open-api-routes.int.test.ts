import { afterEach, describe, expect, it } from '@jest/globals'
import { toOpenApi } from '../../src/openapi/to-open-api.ts'
import { LIMITS, openDoor, openRaw, route, type TestDoor } from '../http/http-fixture.ts'

const PATHS = [
  '/openapi.json',
  '/docs',
  '/docs/start.js',
  '/docs/swagger-ui.css',
  '/docs/swagger-ui-bundle.js',
  '/docs/favicon-32x32.png',
]

const doors: TestDoor[] = []
afterEach(async () => {
  await Promise.all(doors.splice(0).map(({ close }) => close()))
})

const serve = async (maxRequests = 100, ofOne = LIMITS.load.ofOne): Promise<TestDoor> => {
  const routes = [route(['get', '/things'], () => ({ status: 200, body: [] }))]
  const document = toOpenApi({ title: 'Test', version: '1', description: '', routes })
  const limits = { ...LIMITS, load: { ...LIMITS.load, maxRequests, ofOne } }
  const door = await openDoor(routes, { document, limits })
  doors.push(door)
  return door
}

describe('the document and its viewer', () => {
  it.each(PATHS)(
    '%s is whole whatever part or condition is asked for, and no fault in the log',
    async (path) => {
      const door = await serve()
      const whole = await (await fetch(door.url + path)).bytes()
      for (const headers of [
        { range: 'bytes=0-9' },
        { range: 'bytes=99999999-' },
        { 'if-match': '"x"' },
        { 'if-unmodified-since': '1990' },
        { 'if-modified-since': new Date().toUTCString() },
        { 'if-none-match': '"x"' },
      ]) {
        const response = await fetch(door.url + path, { headers })
        const isWhole = Buffer.compare(await response.bytes(), whole) === 0
        expect({ headers, status: response.status, isWhole }).toEqual({ headers, status: 200, isWhole: true })
      }
      expect(door.lines.filter(({ level }) => level !== 'debug')).toEqual([])
    },
  )

  it('are read by all together with no more requests at a time than one principal may have', async () => {
    const door = await serve(100, { ...LIMITS.load.ofOne, maxRequests: 0 })
    for (const path of PATHS) expect((await fetch(door.url + path)).status).toBe(429)
  })

  it.each(PATHS)('%s may be kept, and is not sent again to whom has it', async (path) => {
    const { url } = await serve()
    const first = await fetch(url + path)
    await first.bytes()
    expect(first.headers.get('cache-control')).toBe('no-cache')
    // Without max-age fetch says that it wants no answer from before.
    const conditions = {
      'if-none-match': first.headers.get('etag') ?? '',
      'cache-control': 'max-age=0',
    }
    const again = await fetch(url + path, { headers: conditions })
    expect([again.status, (await again.bytes()).length]).toEqual([304, 0])
    expect(again.headers.get('cache-control')).toBe('no-cache')
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
  })

  it.each(PATHS)('%s has a type and a length, also for HEAD', async (path) => {
    const { url } = await serve()
    const head = await fetch(url + path, { method: 'HEAD' })
    const body = await (await fetch(url + path)).bytes()
    expect(head.headers.get('content-length')).toBe(String(body.length))
    expect(head.headers.get('content-type')).toMatch(
      /^(?:application\/json|image\/png|text\/(?:html|css|javascript); charset=utf-8)$/,
    )
  })

  it('take one place of a client that asks for them many times and does not read', async () => {
    const { url } = await serve(2)
    const { socket } = await openRaw(url)
    socket.pause()
    socket.write('GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(8))
    // Until the server has what it was asked, and has answered what it can.
    await new Promise((resolve) => socket.once('readable', resolve))
    expect((await fetch(`${url}/things`)).status).toBe(200)
    socket.destroy()
  })
})
