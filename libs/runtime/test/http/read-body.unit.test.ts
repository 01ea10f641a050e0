import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import { problems } from '../../src/http/problem.ts'
import { readBody } from '../../src/http/read-body.ts'

const request = (
  chunks: readonly string[],
  headers: Record<string, string> = { 'transfer-encoding': 'chunked' },
) =>
  Object.assign(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), {
    headers,
  }) as unknown as IncomingMessage

const full = problems.unavailable('no room')

describe('a body', () => {
  it('is what was sent, in one piece', async () => {
    expect(String(await readBody(request(['abc']), 10))).toBe('abc')
    expect(String(await readBody(request(['abc', 'def', '']), 10))).toBe('abcdef')
    expect(String(await readBody(request([]), 10))).toBe('')
  })

  it('of a request that announces none is not waited for', async () => {
    const silent = Object.assign(new Readable({ read: () => undefined }), { headers: {} })
    expect(String(await readBody(silent as unknown as IncomingMessage, 10))).toBe('')
  })

  it('is counted as it comes, and ends where it is refused', async () => {
    const held: number[] = []
    const hold = (bytes: number) => (held.push(bytes) < 3 ? undefined : full)
    const refused = readBody(request(['abc', 'de', 'fghi', 'j']), 100, hold)
    await expect(refused).rejects.toBe(full)
    expect(held).toEqual([3, 2, 4])
  })

  it('above the limit is not counted: 413', async () => {
    const held: number[] = []
    const refused = readBody(request(['abc', 'def']), 5, (bytes) => {
      held.push(bytes)
      return undefined
    })
    await expect(refused).rejects.toMatchObject({
      problem: { status: 413, headers: { connection: 'close' } },
    })
    expect(held).toEqual([3])
  })

  it('of a client that has gone already is not waited for', async () => {
    const gone = request(['abc'])
    gone.destroy()
    await expect(readBody(gone, 10)).rejects.toMatchObject({ problem: { status: 400 } })
  })

  it('that is compressed is refused: 415', async () => {
    const zipped = request(['abc'], { 'content-length': '3', 'content-encoding': 'gzip' })
    await expect(readBody(zipped, 10)).rejects.toMatchObject({ problem: { status: 415 } })
  })
})
